//! What programs do with kube-rs, step by step: `kube-rs-session KUBECONFIG NAMESPACE`.
//!
//! Prints the name of each step as soon as it has passed; panics at the first that does not. The library has no leader
//! election: the steps of one are done on a Lease.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams, WatchEvent,
    WatchParams,
};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::discovery;
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Error, ResourceExt};
use serde_json::{Value, json};

type Functions = Api<DynamicObject>;

/// How long the server may take for what it does by itself, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

struct Session {
    client: Client,
    namespace: String,
    resource: ApiResource,
    functions: Functions,
}

impl Session {
    async fn new(kubeconfig: &str, namespace: &str) -> Self {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a configuration");
        let client = Client::try_from(config).expect("a client");
        let kind = GroupVersionKind::gvk("compute.functionmesh.io", "v1alpha1", "Function");
        let (resource, capabilities) = discovery::pinned_kind(&client, &kind).await.expect("a kind");
        assert_eq!(resource.plural, "functions");
        assert!(capabilities.supports_operation(discovery::verbs::WATCH));
        let functions = Api::namespaced_with(client.clone(), namespace, &resource);
        Self { client, namespace: namespace.to_owned(), resource, functions }
    }

    fn core<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A complete Function; `spec` changes fields of it.
    fn function(&self, name: &str, spec: Value) -> DynamicObject {
        let mut full = json!({
            "className": "org.example.WordCount",
            "image": "example.org/wordcount:1.0",
            "replicas": 1,
            "input": { "topics": ["persistent://public/default/sentences"] },
            "output": { "topic": "persistent://public/default/counts" },
            "resources": { "requests": { "cpu": "100m" }, "limits": { "cpu": "200m", "memory": "512Mi" } },
            "pulsar": { "pulsarConfig": "pulsar" },
            "java": { "jar": "/pulsar/wordcount.jar" },
        });
        full.as_object_mut().expect("fields").extend(spec.as_object().expect("fields").clone());
        self.part(name, json!({ "spec": full }))
    }

    /// A Function with these fields alone, as who applies some of them sends it.
    fn part(&self, name: &str, content: Value) -> DynamicObject {
        DynamicObject::new(name, &self.resource).within(&self.namespace).data(content)
    }

    async fn made(&self, name: &str, spec: Value) -> DynamicObject {
        self.functions.create(&PostParams::default(), &self.function(name, spec)).await.expect("a Function")
    }

    async fn create(&self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace = serde_json::from_value(json!({ "metadata": { "name": self.namespace } })).expect("a Namespace");
        namespaces.create(&PostParams::default(), &namespace).await.expect("created");
        let connection = json!({
            "metadata": { "name": "pulsar" },
            "data": { "webServiceURL": "http://pulsar:8080", "brokerServiceURL": "pulsar://pulsar:6650" },
        });
        let connection: ConfigMap = serde_json::from_value(connection).expect("a ConfigMap");
        self.core().create(&PostParams::default(), &connection).await.expect("created");
        let made = self.made("rust", json!({})).await;
        assert_eq!(made.metadata.generation, Some(1));
        let create = |function| async move { self.functions.create(&PostParams::default(), &function).await };
        refused(409, "already exists", create(self.function("rust", json!({}))).await);
        refused(422, "spec.replicas", create(self.function("wrong", json!({ "replicas": -1 }))).await);
        let sets: Api<StatefulSet> = self.core();
        let ready = await_condition(sets, "rust-function", |set: Option<&StatefulSet>| {
            set.and_then(|set| set.status.as_ref()?.ready_replicas) == Some(1)
        });
        in_time("a ready pod", ready).await.expect("watched");
    }

    async fn replace(&self) {
        let stale = self.functions.get("rust").await.expect("read");
        let label = Patch::Merge(json!({ "metadata": { "labels": { "team": "a" } } }));
        self.functions.patch("rust", &PatchParams::default(), &label).await.expect("patched");
        refused(409, "modified", self.functions.replace("rust", &PostParams::default(), &stale).await);
        eventually("replaced", || async {
            let mut fresh = self.functions.get("rust").await.expect("read");
            fresh.data["spec"]["replicas"] = json!(2);
            self.functions.replace("rust", &PostParams::default(), &fresh).await.is_ok()
        })
        .await;
        let fresh = self.functions.get("rust").await.expect("read");
        assert_eq!((&fresh.data["spec"]["replicas"], fresh.labels().get("team")), (&json!(2), Some(&"a".to_owned())));
        let scale = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
        let scaled = self.functions.patch_scale("rust", &PatchParams::default(), &scale).await.expect("scaled");
        assert_eq!(scaled.spec.and_then(|spec| spec.replicas), Some(3));
    }

    async fn list_in_pages(&self) {
        for name in ["page-a", "page-b"] {
            self.made(name, json!({ "replicas": 0 })).await;
        }
        let (mut names, mut token) = (vec![], None);
        while token.as_deref() != Some("") {
            let mut page = ListParams::default().limit(2);
            page.continue_token = token;
            let list = self.functions.list(&page).await.expect("a page");
            names.extend(list.items.iter().map(|item| item.name_any()));
            token = Some(list.metadata.continue_.unwrap_or_default());
        }
        assert_eq!(names, ["page-a", "page-b", "rust"]);
        let selected = self.functions.list_metadata(&ListParams::default().labels("team=a")).await.expect("a list");
        assert_eq!(selected.items.iter().map(|item| item.name_any()).collect::<Vec<_>>(), ["rust"]);
    }

    async fn server_side_apply(&self) {
        let (first, second) = (PatchParams::apply("first"), PatchParams::apply("second"));
        let full = Patch::Apply(self.function("applied", json!({})));
        self.functions.patch("applied", &first, &full).await.expect("applied");
        let replicas = Patch::Apply(self.part("applied", json!({ "spec": { "replicas": 2 } })));
        refused(409, ".spec.replicas", self.functions.patch("applied", &second, &replicas).await);
        let forced = self.functions.patch("applied", &second.force(), &replicas).await.expect("forced");
        assert_eq!(forced.data["spec"]["replicas"], json!(2));
        assert_eq!(forced.data["spec"]["className"], json!("org.example.WordCount"));
        let managers = forced.managed_fields().iter().filter(|entry| entry.operation.as_deref() == Some("Apply"));
        let owners = managers.map(|entry| {
            let fields = serde_json::to_string(&entry.fields_v1).expect("fields");
            (entry.manager.clone().unwrap_or_default(), fields.contains("f:replicas"))
        });
        assert_eq!(owners.collect::<Vec<_>>(), [("first".to_owned(), false), ("second".to_owned(), true)]);
        let settings = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" }, "data": { "a": "1" } });
        let maps: Api<ConfigMap> = self.core();
        let made = maps.patch("settings", &first, &Patch::Apply(&settings)).await.expect("applied");
        let unchanged = maps.patch("settings", &first, &Patch::Apply(&settings)).await.expect("applied");
        assert_eq!(made.resource_version(), unchanged.resource_version());
    }

    async fn watch_from_a_list(&self) {
        let list = self.functions.list(&ListParams::default()).await.expect("a list");
        self.made("watched", json!({ "replicas": 0 })).await;
        self.functions.delete("watched", &DeleteParams::default()).await.expect("deleted");
        let only = WatchParams::default().fields("metadata.name=watched");
        let version = list.metadata.resource_version.expect("a version");
        let mut events = pin!(self.functions.watch(&only, &version).await.expect("watched"));
        let mut added = 0;
        loop {
            match in_time("an event", events.try_next()).await.expect("an event") {
                Some(WatchEvent::Added(_)) => added += 1,
                Some(WatchEvent::Deleted(_)) => break,
                Some(WatchEvent::Modified(_) | WatchEvent::Bookmark(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(added, 1);
    }

    /// Reflectors that list in pages, and one whose list is a stream.
    async fn informer(&self) {
        for (name, config) in [
            ("listed", watcher::Config::default().page_size(2)),
            ("streamed", watcher::Config::default().streaming_lists()),
        ] {
            let writer = reflector::store::Writer::new(self.resource.clone());
            let store = writer.as_reader();
            let events = watcher(self.functions.clone(), config).default_backoff().reflect(writer).applied_objects();
            let follow = tokio::task::LocalSet::new();
            follow.spawn_local(events.for_each(|_| async {}));
            let steps = async {
                in_time("a first list", store.wait_until_ready()).await.expect("a list");
                let before = store.len();
                assert_eq!(before, self.functions.list(&ListParams::default()).await.expect("a list").items.len());
                self.made(name, json!({})).await;
                let key = ObjectRef::new_with(name, self.resource.clone()).within(&self.namespace);
                eventually("its status", || async {
                    store.get(&key).is_some_and(|seen| seen.data["status"]["readyReplicas"] == json!(1))
                })
                .await;
                self.functions.delete(name, &DeleteParams::default()).await.expect("deleted");
                eventually("its end", || async { store.get(&key).is_none() && store.len() == before }).await;
            };
            follow.run_until(steps).await;
        }
    }

    /// A Lease has one holder: who renews after it was taken over is refused.
    async fn leader_election(&self) {
        let leases: Api<Lease> = self.core();
        let lease = |holder: &str, version: Option<String>| -> Lease {
            let spec = json!({
                "holderIdentity": holder, "leaseDurationSeconds": 3,
                "acquireTime": "2026-01-01T00:00:00.000001Z", "renewTime": "2026-01-01T00:00:00.000001Z",
            });
            let metadata = json!({ "name": "rust-leader", "resourceVersion": version });
            serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).expect("a Lease")
        };
        let held = leases.create(&PostParams::default(), &lease("first", None)).await.expect("held");
        let taken = leases.replace("rust-leader", &PostParams::default(), &lease("second", held.resource_version())).await;
        assert_eq!(taken.expect("taken").spec.and_then(|spec| spec.holder_identity).as_deref(), Some("second"));
        let late = leases.replace("rust-leader", &PostParams::default(), &held).await;
        refused(409, "modified", late);
        let read = leases.get("rust-leader").await.expect("read");
        assert_eq!(read.spec.and_then(|spec| spec.renew_time), held.spec.and_then(|spec| spec.renew_time));
    }

    async fn delete(&self) {
        let uid = self.functions.get("rust").await.expect("read").uid().expect("a uid");
        self.functions.delete("rust", &DeleteParams::foreground()).await.expect("deleted");
        let gone = await_condition(self.functions.clone(), "rust", conditions::is_deleted(&uid));
        in_time("it is gone", gone).await.expect("watched");
        let sets: Api<StatefulSet> = self.core();
        refused(404, "not found", sets.get("rust-function").await);
        self.functions.delete_collection(&DeleteParams::default(), &ListParams::default()).await.expect("deleted");
        eventually("nothing is left", || async {
            let functions = self.functions.list(&ListParams::default()).await.expect("a list");
            functions.items.is_empty() && sets.list(&ListParams::default()).await.expect("a list").items.is_empty()
        })
        .await;
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await.expect("deleted");
        eventually("the namespace is gone", || async { namespaces.get_opt(&self.namespace).await.expect("read").is_none() }).await;
    }
}

fn refused<T: Debug>(code: u16, words: &str, result: Result<T, Error>) {
    match result {
        Err(Error::Api(status)) if status.code == code && status.message.contains(words) => {}
        other => panic!("not refused with {code} and {words:?}: {other:?}"),
    }
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("not in time: {what}"))
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    in_time(what, async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (kubeconfig, namespace) = (arguments.next().expect("a kubeconfig"), arguments.next().expect("a namespace"));
    let session = Session::new(&kubeconfig, &namespace).await;
    macro_rules! take {
        ($($step:ident),*) => { $( session.$step().await; println!(stringify!($step)); )* };
    }
    take!(create, replace, list_in_pages, server_side_apply, watch_from_a_list, informer, leader_election, delete);
}
