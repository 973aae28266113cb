"""What controllers and scripts do with the Python client, step by step: `session.py KUBECONFIG NAMESPACE`.

Prints the name of each step as soon as it has passed; ends with a traceback at the first that does not.
"""

import logging
import sys
import threading
import time

from kubernetes import client, config, dynamic, watch
from kubernetes.informer import SharedInformer
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

GROUP, VERSION, PLURAL = "compute.functionmesh.io", "v1alpha1", "functions"
API_VERSION = f"{GROUP}/{VERSION}"
PATIENCE_SECONDS = 30

# A leader of this library resigns by an exception, which is logged with its traceback.
logging.getLogger("leaderelection").disabled = True

kubeconfig, namespace = sys.argv[1:]
api_client = config.new_client_from_config(kubeconfig)
client.Configuration.set_default(api_client.configuration)
core = client.CoreV1Api(api_client)
apps = client.AppsV1Api(api_client)
leases = client.CoordinationV1Api(api_client)
custom = client.CustomObjectsApi(api_client)
functions = dynamic.DynamicClient(api_client).resources.get(api_version=API_VERSION, kind="Function")
target = {"group": GROUP, "version": VERSION, "namespace": namespace, "plural": PLURAL}


def function(name, **spec):
    return {
        "apiVersion": API_VERSION,
        "kind": "Function",
        "metadata": {"name": name},
        "spec": {
            "className": "org.example.WordCount",
            "image": "example.org/wordcount:1.0",
            "replicas": 1,
            "input": {"topics": ["persistent://public/default/sentences"]},
            "output": {"topic": "persistent://public/default/counts"},
            "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "200m", "memory": "512Mi"}},
            "pulsar": {"pulsarConfig": "pulsar"},
            "java": {"jar": "/pulsar/wordcount.jar"},
            **spec,
        },
    }


def eventually(probe):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def refused(status, call):
    try:
        call()
    except client.ApiException as error:
        assert error.status == status, error
        return error
    raise AssertionError(f"not refused with {status}")


def read(name):
    return custom.get_namespaced_custom_object(name=name, **target)


def create():
    core.create_namespace({"metadata": {"name": namespace}})
    data = {"webServiceURL": "http://pulsar:8080", "brokerServiceURL": "pulsar://pulsar:6650"}
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "pulsar"}, "data": data})
    made = custom.create_namespaced_custom_object(body=function("python"), **target)
    assert made["metadata"]["generation"] == 1 and made["metadata"]["uid"], made
    refused(409, lambda: custom.create_namespaced_custom_object(body=function("python"), **target))
    wrong = refused(422, lambda: custom.create_namespaced_custom_object(body=function("wrong", replicas=-1), **target))
    assert "spec.replicas" in wrong.body, wrong.body
    ready = eventually(lambda: read("python").get("status", {}).get("readyReplicas") == 1)
    assert ready and apps.read_namespaced_stateful_set("python-function", namespace).status.ready_replicas == 1


def replace():
    stale = read("python")
    custom.patch_namespaced_custom_object(name="python", body={"metadata": {"labels": {"team": "a"}}}, **target)
    stale["spec"]["replicas"] = 3
    refused(409, lambda: custom.replace_namespaced_custom_object(name="python", body=stale, **target))

    def replaced():
        fresh = read("python")
        fresh["spec"]["replicas"] = 2
        try:
            return custom.replace_namespaced_custom_object(name="python", body=fresh, **target)
        except client.ApiException as error:
            assert error.status == 409, error
            return None

    assert eventually(replaced)["spec"]["replicas"] == 2
    assert read("python")["metadata"]["labels"] == {"team": "a"}
    eventually(lambda: apps.read_namespaced_stateful_set("python-function", namespace).spec.replicas == 2)


def list_in_pages():
    for name in ("page-a", "page-b"):
        custom.create_namespaced_custom_object(body=function(name, replicas=0), **target)
    names, token = [], None
    while token != "":
        page = custom.list_namespaced_custom_object(limit=2, **({"_continue": token} if token else {}), **target)
        names += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
    assert names == ["page-a", "page-b", "python"], names
    selected = custom.list_namespaced_custom_object(label_selector="team=a", **target)["items"]
    assert [item["metadata"]["name"] for item in selected] == ["python"], selected


def dynamic_client():
    assert functions.get(name="python", namespace=namespace).spec.className == "org.example.WordCount"
    body = {"metadata": {"annotations": {"note": "dynamic"}}}
    functions.patch(name="python", namespace=namespace, body=body, content_type="application/merge-patch+json")
    assert read("python")["metadata"]["annotations"] == {"note": "dynamic"}
    functions.delete(name="page-a", namespace=namespace)
    eventually(lambda: [item.metadata.name for item in functions.get(namespace=namespace).items] == ["page-b", "python"])


def server_side_apply():
    functions.server_side_apply(body=function("applied"), name="applied", namespace=namespace, field_manager="first")
    other = {"apiVersion": API_VERSION, "kind": "Function", "metadata": {"name": "applied"}, "spec": {"replicas": 2}}
    conflict = refused(
        409,
        lambda: functions.server_side_apply(body=other, name="applied", namespace=namespace, field_manager="second"),
    )
    assert "spec.replicas" in conflict.body and "first" in conflict.body, conflict.body
    functions.server_side_apply(
        body=other, name="applied", namespace=namespace, field_manager="second", force_conflicts=True
    )
    applied = read("applied")
    assert applied["spec"]["replicas"] == 2 and applied["spec"]["className"] == "org.example.WordCount", applied
    owners = {
        entry["manager"]: "f:replicas" in entry["fieldsV1"]["f:spec"]
        for entry in applied["metadata"]["managedFields"]
        if entry["operation"] == "Apply"
    }
    assert owners == {"first": False, "second": True}, owners


def watch_from_a_list():
    version = custom.list_namespaced_custom_object(**target)["metadata"]["resourceVersion"]
    custom.create_namespaced_custom_object(body=function("watched", replicas=0), **target)
    custom.delete_namespaced_custom_object(name="watched", **target)
    stream = watch.Watch()
    seen = []
    for event in stream.stream(
        custom.list_namespaced_custom_object,
        resource_version=version,
        field_selector="metadata.name=watched",
        timeout_seconds=PATIENCE_SECONDS,
        **target,
    ):
        seen.append(event["type"])
        if event["type"] == "DELETED":
            stream.stop()
    assert seen[0] == "ADDED" and seen[-1] == "DELETED", seen


def informer():
    # It watches for as long as it doesn't list again, and stops only between two watches.
    sets = SharedInformer(apps.list_namespaced_stateful_set, namespace=namespace, resync_period=1)
    sets.start()
    try:
        eventually(lambda: sets.cache.get_by_key(f"{namespace}/python-function"))
        custom.create_namespaced_custom_object(body=function("informed"), **target)
        eventually(lambda: sets.cache.get_by_key(f"{namespace}/informed-function"))
        custom.delete_namespaced_custom_object(name="informed", **target)
        eventually(lambda: sets.cache.get_by_key(f"{namespace}/informed-function") is None)
    finally:
        sets.stop()


def leader_election():
    """The second candidate waits for as long as the first renews, and leads once it has stopped."""
    leading = {identity: threading.Event() for identity in ("first", "second")}
    give_up = threading.Event()

    def lead(identity):
        leading[identity].set()
        give_up.wait()
        raise InterruptedError("gives the lease up")

    def candidate(identity):
        settings = electionconfig.Config(
            LeaseLock("python-leader", namespace, identity),
            lease_duration=3,
            renew_deadline=2,
            retry_period=1,
            onstarted_leading=lambda: lead(identity),
            onstopped_leading=None,
        )
        threading.Thread(target=leaderelection.LeaderElection(settings).run, daemon=True).start()

    def holder():
        return leases.read_namespaced_lease("python-leader", namespace).spec

    candidate("first")
    assert leading["first"].wait(PATIENCE_SECONDS)
    first = holder()
    candidate("second")
    eventually(lambda: holder().renew_time > first.renew_time)
    assert holder().holder_identity == "first" and not leading["second"].is_set()
    give_up.set()
    assert leading["second"].wait(PATIENCE_SECONDS)
    assert holder().holder_identity == "second" and holder().acquire_time > first.acquire_time


def delete():
    custom.delete_collection_namespaced_custom_object(**target)
    eventually(lambda: custom.list_namespaced_custom_object(**target)["items"] == [])
    eventually(lambda: apps.list_namespaced_stateful_set(namespace).items == [])
    refused(404, lambda: read("python"))
    core.delete_namespace(namespace)

    def gone():
        try:
            core.read_namespace(namespace)
        except client.ApiException as error:
            return error.status == 404
        return False

    eventually(gone)


for step in (
    create,
    replace,
    list_in_pages,
    dynamic_client,
    server_side_apply,
    watch_from_a_list,
    informer,
    leader_election,
    delete,
):
    step()
    print(step.__name__, flush=True)
