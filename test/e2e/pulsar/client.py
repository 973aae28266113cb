"""What a test asks of Pulsar, run beside the broker: one request on stdin as JSON, one answer on stdout.

{"produce": TOPIC, "messages": [TEXT...]}        sends them, each with its index as key
{"read": TOPIC, "count": N, "seconds": S}        the first N messages that the topic holds, fewer after S
{"admin": PATH}                                  what the broker's REST API answers there
{"upload": PACKAGE, "file": PATH}                into the package service: function/TENANT/NAMESPACE/NAME/VERSION
"""

import json
import sys
import time
import urllib.error
import urllib.request

import pulsar
import pulsar.schema

SERVICE, ADMIN = "pulsar://127.0.0.1:6650", "http://127.0.0.1:8080/admin/"


def produce(client, request):
    producer = client.create_producer(request["produce"], schema=pulsar.schema.StringSchema())
    for index, text in enumerate(request["messages"]):
        producer.send(text, partition_key=str(index))


def read(client, request):
    reader = client.create_reader(request["read"], pulsar.MessageId.earliest)
    end = time.monotonic() + request["seconds"]
    found = []
    while len(found) < request["count"] and (left := end - time.monotonic()) > 0:
        try:
            message = reader.read_next(timeout_millis=max(1, int(left * 1000)))
        except pulsar.Timeout:
            break
        found.append({"text": message.data().decode(errors="replace"), "properties": message.properties()})
    return found


def upload(request):
    with open(request["file"], "rb") as file:
        content = file.read()
    head = 'Content-Disposition: form-data; name="%s"%s\r\nContent-Type: %s\r\n\r\n'
    parts = [
        (head % ("metadata", "", "application/json")).encode() + b"{}",
        (head % ("file", '; filename="file"', "application/octet-stream")).encode() + content,
    ]
    body = b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + b"--edge--\r\n"
    header = {"Content-Type": "multipart/form-data; boundary=edge"}
    return answer_of(urllib.request.Request(ADMIN + "v3/packages/" + request["upload"], body, header))


def answer_of(call):
    try:
        with urllib.request.urlopen(call, timeout=40) as answer:
            text = answer.read().decode()
            return {"status": answer.status, "body": json.loads(text) if text else None}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": error.read().decode(errors="replace")}


request = json.load(sys.stdin)
if "admin" in request:
    answer = answer_of(urllib.request.Request(ADMIN + request["admin"]))
elif "upload" in request:
    answer = upload(request)
else:
    client = pulsar.Client(SERVICE, logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"))
    answer = produce(client, request) if "produce" in request else read(client, request)
    client.close()
json.dump(answer, sys.stdout)
