"""The official OpenAI package for Python, unchanged, at a gateway: prints what it got as JSON.

Usage: openai_client.py BASE_URL answers | errors | slow | ask KEY…
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import openai
from pydantic import BaseModel

QUESTION = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "Who are you?"}]}
ASK = {"model": "gpt-6-luna", "input": "Who are you?"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


class Film(BaseModel):
    title: str
    year: int


def key(job_id: str) -> dict:
    return {"extra_headers": {"Idempotency-Key": job_id}}


def answers(client: openai.OpenAI) -> dict:
    first = client.chat.completions.create(**QUESTION, **key("py-chat"))
    second = client.chat.completions.with_raw_response.create(**QUESTION, **key("py-chat"))
    chunks = list(client.chat.completions.create(**QUESTION, stream=True, **key("py-chat")))
    with client.chat.completions.stream(**QUESTION, tools=[TOOL], **key("py-tools")) as stream:
        tools = stream.get_final_completion()
    parsed = client.chat.completions.parse(**QUESTION, response_format=Film, **key("py-parsed"))
    response = client.responses.create(**ASK, **key("py-response"))
    with client.responses.stream(**ASK, **key("py-response")) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        streamed = stream.get_final_response()
    film = client.responses.parse(**ASK, text_format=Film, **key("py-film"))
    plain = client.chat.completions.create(**QUESTION, extra_body={"own_field": 1})
    return {
        "same": first == second.parse(),
        "replayed": second.headers.get("idempotent-replayed"),
        "text": first.choices[0].message.content,
        "chunks": "".join(chunk.choices[0].delta.content or "" for chunk in chunks),
        "tool": tools.choices[0].message.tool_calls[0].function.name,
        "parsed": parsed.choices[0].message.parsed.model_dump(),
        "response": response.output_text,
        "deltas": "".join(deltas),
        "streamed": streamed.output_text,
        "film": film.output_parsed.model_dump(),
        "plain": plain.choices[0].message.content,
    }


def errors(client: openai.OpenAI) -> dict:
    def told(job_id: str, **more) -> list:
        try:
            client.chat.completions.create(**QUESTION, **more, **key(job_id))
        except openai.APIStatusError as error:
            return [type(error).__name__, error.status_code, error.code]
        return ["no error"]

    client.chat.completions.create(**QUESTION, **key("py-mismatch"))
    return {
        "rejected": told("py-rejected"),
        "mismatch": told("py-mismatch", temperature=1),
        "doubt": told("py-doubt"),
        "id": told("no spaces, please"),
    }


def slow(client: openai.OpenAI) -> dict:
    impatient = client.with_options(timeout=0.4, max_retries=20)
    completion = impatient.chat.completions.create(**QUESTION, **key("py-slow"))
    return {"text": completion.choices[0].message.content}


def ask(client: openai.OpenAI, *keys: str) -> list:
    """What the caller of each key sees in the end, all at once: after the package's own retries and time-outs."""

    def one(job_id: str) -> list:
        while True:
            try:
                completion = client.with_options(timeout=1.5).chat.completions.create(**QUESTION, **key(job_id))
                return ["answer", completion.id]
            except openai.APITimeoutError:
                continue
            except openai.APIStatusError as error:
                return [error.status_code, error.code]

    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(one, keys))


base_url, act, *keys = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key="sk-of-the-caller")
print(json.dumps({"answers": answers, "errors": errors, "slow": slow, "ask": ask}[act](client, *keys)))
