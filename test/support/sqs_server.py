# A real SQS server on a free port of 127.0.0.1: moto's. It says `ready URL`, and ends when its stdin closes.
import logging
import sys

from moto.moto_server.threaded_moto_server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"ready http://{host}:{port}", flush=True)
sys.stdin.read()
server.stop()
