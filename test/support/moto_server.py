# A real server of AWS's SQS and DynamoDB on a free port of 127.0.0.1: moto's. It says `ready URL`, and ends when its
# stdin closes.
import logging
import sys
import threading

from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from werkzeug.serving import WSGIRequestHandler

logging.getLogger("werkzeug").setLevel(logging.ERROR)
# connections are kept, as AWS keeps them: a new one for each request uses up the machine's ports
WSGIRequestHandler.protocol_version = "HTTP/1.1"

# moto looks at a condition and writes in two steps; DynamoDB does so in one
one_at_a_time = threading.Lock()
serve = DomainDispatcherApplication.__call__


def serve_atomically(self, environ, start_response):
    if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
        return serve(self, environ, start_response)
    with one_at_a_time:
        return serve(self, environ, start_response)


DomainDispatcherApplication.__call__ = serve_atomically
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"ready http://{host}:{port}", flush=True)
sys.stdin.read()
server.stop()
