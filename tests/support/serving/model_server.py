"""A model server of a few lines that tests make images of, until they need a real one."""

PROGRAM = """
import json, os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

assert sys.argv[1:] == ["serve"], sys.argv
model = Path("/opt/ml/model/answer.txt")
if os.environ.get("CRASHES"):
    print("cannot read the weights", flush=True)
    sys.exit(3)
answer = model.read_text().strip() if model.is_file() else os.environ.get("ANSWER", "none")
loaded, most_models, lock = {}, int(os.environ.get("MODELS_MOST", "100")), threading.Lock()
state = {"busy": 0, "most": 0, "ping": 200}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: two would wait for each other

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/ping":
            self.reply(state["ping"] if not os.environ.get("SICK") else 500)
        elif self.path == "/execution-parameters":
            self.reply(200, json.dumps({"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD"}).encode())
        elif self.path == "/models":
            models = [{"modelName": name, "modelUrl": url} for name, url in loaded.items()]
            self.reply(200, json.dumps({"models": models}).encode())
        else:
            self.reply(404)

    def do_DELETE(self):
        with lock:
            known = loaded.pop(self.path.rpartition("/")[2], None)
        self.reply(404 if known is None else 200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path == "/models":
            asked = json.loads(body)
            with lock:
                if len(loaded) >= most_models:
                    return self.reply(507, b"no memory left")
                loaded[asked["model_name"]] = asked["url"]
            return self.reply(200)
        if self.path.startswith("/models/"):
            name = self.path.split("/")[2]
            if name not in loaded:
                return self.reply(404)
            return self.reply(200, (Path(loaded[name]) / "answer.txt").read_bytes())
        with lock:
            state["busy"] += 1
            state["most"] = max(state["most"], state["busy"])
        try:
            self.infer(body)
        finally:
            with lock:
                state["busy"] -= 1

    def infer(self, body):
        text = body.decode(errors="replace")
        time.sleep(float(os.environ.get("SLOW", "0")))
        if os.environ.get("BROKEN") or text == "fail":
            return self.reply(500, b"the model has a fault")
        if text == "refuse":
            return self.reply(400, b"no such thing")
        if text == "die":
            os._exit(9)
        if text == "hang":
            time.sleep(30)
        if text == "sick":
            state["ping"] = 500
        if text == "stream":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"one ", b"two ", b"three"):
                self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(part), part))
                self.wfile.flush()
                time.sleep(0.05)
            self.wfile.write(b"0\\r\\n\\r\\n")
            return None
        if text == "headers":
            told = {name: value for name, value in self.headers.items()}
            return self.reply(200, json.dumps(told).encode(), Content_Type="application/json",
                              **{"X-Amzn-SageMaker-Custom-Attributes": "from the model"})
        if text == "environ":
            return self.reply(200, json.dumps(dict(os.environ)).encode())
        if text == "most":
            return self.reply(200, str(state["most"]).encode())
        return self.reply(200, f"{answer}:{text}".encode(), Content_Type=self.headers.get("Accept") or "text/plain")


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


server = Server(("0.0.0.0", int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("serving", answer, flush=True)
server.serve_forever()
"""
