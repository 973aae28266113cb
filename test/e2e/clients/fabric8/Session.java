import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseSpec;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.NonNamespaceOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfigBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * What Java programs do with fabric8's client, step by step: `Session KUBECONFIG NAMESPACE`. Watches go over WebSocket, which
 * is the library's default. Prints the name of each step as soon as it has passed; ends with a trace at the first that does
 * not.
 */
class Session {
  static final String API_VERSION = "compute.functionmesh.io/v1alpha1";
  static final int PATIENCE_SECONDS = 30;

  final KubernetesClient client;
  final String namespace;
  final NonNamespaceOperation<
          GenericKubernetesResource, GenericKubernetesResourceList, Resource<GenericKubernetesResource>>
      functions;

  Session(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
    this.functions = client.genericKubernetesResources(API_VERSION, "Function").inNamespace(namespace);
  }

  interface Step {
    void take() throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    Config config = Config.fromKubeconfig(new File(arguments[0]));
    try (KubernetesClient client = new KubernetesClientBuilder().withConfig(config).build()) {
      Session session = new Session(client, arguments[1]);
      Map<String, Step> steps = new LinkedHashMap<>();
      steps.put("create", session::create);
      steps.put("replace", session::replace);
      steps.put("list_in_pages", session::listInPages);
      steps.put("server_side_apply", session::serverSideApply);
      steps.put("watch_from_a_list", session::watch);
      steps.put("informer", session::informer);
      steps.put("leader_election", session::leaderElection);
      steps.put("delete", session::delete);
      for (Map.Entry<String, Step> step : steps.entrySet()) {
        step.getValue().take();
        System.out.println(step.getKey());
      }
    }
    // Threads of the library's HTTP client need not end.
    System.exit(0);
  }

  /** A complete Function; `changes` are fields of its spec. */
  GenericKubernetesResource function(String name, Map<String, Object> changes) {
    Map<String, Object> spec = new HashMap<>();
    spec.put("className", "org.example.WordCount");
    spec.put("image", "example.org/wordcount:1.0");
    spec.put("replicas", 1);
    spec.put("input", Map.of("topics", List.of("persistent://public/default/sentences")));
    spec.put("output", Map.of("topic", "persistent://public/default/counts"));
    Map<String, Object> limits = Map.of("cpu", "200m", "memory", "512Mi");
    spec.put("resources", Map.of("requests", Map.of("cpu", "100m"), "limits", limits));
    spec.put("pulsar", Map.of("pulsarConfig", "pulsar"));
    spec.put("java", Map.of("jar", "/pulsar/wordcount.jar"));
    spec.putAll(changes);
    return part(name, spec);
  }

  /** A Function with these fields of its spec alone, as who applies some of them sends it. */
  GenericKubernetesResource part(String name, Map<String, Object> spec) {
    GenericKubernetesResource part = new GenericKubernetesResource();
    part.setApiVersion(API_VERSION);
    part.setKind("Function");
    part.setMetadata(new ObjectMetaBuilder().withName(name).withNamespace(namespace).build());
    part.setAdditionalProperty("spec", spec);
    return part;
  }

  GenericKubernetesResource made(String name, Map<String, Object> changes) {
    return functions.resource(function(name, changes)).create();
  }

  GenericKubernetesResource read(String name) {
    return functions.withName(name).require();
  }

  void create() {
    client.namespaces().resource(new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build()).create();
    ConfigMap connection =
        new ConfigMapBuilder()
            .withNewMetadata().withName("pulsar").endMetadata()
            .addToData("webServiceURL", "http://pulsar:8080")
            .addToData("brokerServiceURL", "pulsar://pulsar:6650")
            .build();
    client.configMaps().inNamespace(namespace).resource(connection).create();
    equal(1L, made("java", Map.of()).getMetadata().getGeneration());
    refused(409, "already exists", () -> made("java", Map.of()));
    refused(422, "spec.replicas", () -> made("wrong", Map.of("replicas", -1)));
    client.apps().statefulSets().inNamespace(namespace).withName("java-function").waitUntilCondition(
        set -> set != null && set.getStatus() != null && Integer.valueOf(1).equals(set.getStatus().getReadyReplicas()),
        PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  void replace() {
    GenericKubernetesResource stale = read("java");
    String label = "{\"metadata\":{\"labels\":{\"team\":\"a\"}}}";
    functions.withName("java").patch(PatchContext.of(PatchType.JSON_MERGE), label);
    refused(409, "modified", () -> functions.resource(stale).update());
    functions.withName("java").edit(fn -> {
      fn.<Map<String, Object>>get("spec").put("replicas", 2);
      return fn;
    });
    GenericKubernetesResource fresh = read("java");
    equal(2, fresh.get("spec", "replicas"));
    equal("a", fresh.getMetadata().getLabels().get("team"));
    functions.withName("java").patch(PatchContext.of(PatchType.STRATEGIC_MERGE), "{\"spec\":{\"replicas\":1}}");
    functions.withName("java").scale(3);
    equal(3, functions.withName("java").scale().getSpec().getReplicas());
    equal(3, read("java").get("spec", "replicas"));
  }

  void listInPages() {
    made("page-a", Map.of("replicas", 0));
    made("page-b", Map.of("replicas", 0));
    List<String> names = new ArrayList<>();
    String token = null;
    do {
      GenericKubernetesResourceList page =
          functions.list(new ListOptionsBuilder().withLimit(2L).withContinue(token).build());
      page.getItems().forEach(item -> names.add(item.getMetadata().getName()));
      token = page.getMetadata().getContinue();
    } while (token != null && !token.isEmpty());
    equal(List.of("java", "page-a", "page-b"), names);
    equal(1, functions.withLabel("team", "a").list().getItems().size());
    equal(1, functions.withField("metadata.name", "java").list().getItems().size());
  }

  void serverSideApply() {
    functions.resource(function("applied", Map.of())).fieldManager("first").serverSideApply();
    GenericKubernetesResource replicas = part("applied", Map.of("replicas", 2));
    refused(409, ".spec.replicas", () -> functions.resource(replicas).fieldManager("second").serverSideApply());
    GenericKubernetesResource forced =
        functions.resource(replicas).fieldManager("second").forceConflicts().serverSideApply();
    equal(2, forced.get("spec", "replicas"));
    equal("org.example.WordCount", forced.get("spec", "className"));
    ConfigMap settings =
        new ConfigMapBuilder().withNewMetadata().withName("settings").endMetadata().addToData("a", "1").build();
    ConfigMap first = client.configMaps().inNamespace(namespace).resource(settings).serverSideApply();
    ConfigMap again = client.configMaps().inNamespace(namespace).resource(settings).serverSideApply();
    equal(first.getMetadata().getResourceVersion(), again.getMetadata().getResourceVersion());
  }

  void watch() throws Exception {
    String version = functions.list().getMetadata().getResourceVersion();
    made("watched", Map.of("replicas", 0));
    functions.withName("watched").delete();
    AtomicInteger added = new AtomicInteger();
    CompletableFuture<Void> deleted = new CompletableFuture<>();
    Watcher<GenericKubernetesResource> watcher =
        new Watcher<>() {
          @Override
          public void eventReceived(Action action, GenericKubernetesResource fn) {
            if (action == Action.ADDED) added.incrementAndGet();
            if (action == Action.DELETED) deleted.complete(null);
          }

          @Override
          public void onClose(WatcherException cause) {
            deleted.completeExceptionally(cause);
          }
        };
    try (Watch watch = functions.withName("watched").watch(version, watcher)) {
      deleted.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
    equal(1, added.get());
  }

  void informer() {
    ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
    ResourceEventHandler<GenericKubernetesResource> handler =
        new ResourceEventHandler<>() {
          @Override
          public void onAdd(GenericKubernetesResource fn) {
            seen.add("add " + fn.getMetadata().getName());
          }

          @Override
          public void onUpdate(GenericKubernetesResource before, GenericKubernetesResource after) {
            seen.add("update " + after.getMetadata().getName());
          }

          @Override
          public void onDelete(GenericKubernetesResource fn, boolean unknown) {
            seen.add("delete " + fn.getMetadata().getName());
          }
        };
    try (SharedIndexInformer<GenericKubernetesResource> informer = functions.inform(handler)) {
      int before = informer.getStore().list().size();
      equal(functions.list().getItems().size(), before);
      made("informed", Map.of());
      String key = namespace + "/informed";
      eventually("its status", () -> {
        GenericKubernetesResource fn = informer.getStore().getByKey(key);
        return fn != null && Integer.valueOf(1).equals(fn.get("status", "readyReplicas"));
      });
      functions.withName("informed").delete();
      eventually("its end", () -> informer.getStore().getByKey(key) == null && seen.contains("delete informed"));
      equal(1L, seen.stream().filter("add informed"::equals).count());
      expect(seen.contains("update informed"), seen);
    }
  }

  /** The second candidate waits for as long as the first renews, and leads when that one resigns. */
  void leaderElection() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch second = new CountDownLatch(1);
    CompletableFuture<?> leader = elect("first", first);
    in("the first leads", first);
    var renewed = lease().getRenewTime();
    CompletableFuture<?> candidate = elect("second", second);
    eventually("another renewal", () -> lease().getRenewTime().isAfter(renewed));
    equal("first", lease().getHolderIdentity());
    equal(1L, second.getCount());
    leader.cancel(true);
    in("the second leads", second);
    equal("second", lease().getHolderIdentity());
    candidate.cancel(true);
  }

  LeaseSpec lease() {
    return client.leases().inNamespace(namespace).withName("java-leader").require().getSpec();
  }

  CompletableFuture<?> elect(String identity, CountDownLatch leads) {
    return client
        .leaderElector()
        .withConfig(
            new LeaderElectionConfigBuilder()
                .withName(identity)
                .withLeaseDuration(Duration.ofSeconds(15))
                .withRenewDeadline(Duration.ofSeconds(10))
                .withRetryPeriod(Duration.ofMillis(500))
                .withReleaseOnCancel(true)
                .withLock(new LeaseLock(namespace, "java-leader", identity))
                .withLeaderCallbacks(new LeaderCallbacks(leads::countDown, () -> {}, holder -> {}))
                .build())
        .build()
        .start();
  }

  void delete() {
    functions.withName("java").withPropagationPolicy(DeletionPropagation.FOREGROUND).delete();
    eventually("it is gone", () -> functions.withName("java").get() == null);
    expect(client.apps().statefulSets().inNamespace(namespace).withName("java-function").get() == null, "its set");
    functions.delete();
    eventually("nothing is left", () ->
        functions.list().getItems().isEmpty()
            && client.apps().statefulSets().inNamespace(namespace).list().getItems().isEmpty());
    client.namespaces().withName(namespace).delete();
    eventually("the namespace is gone", () -> client.namespaces().withName(namespace).get() == null);
  }

  static void refused(int code, String words, Runnable call) {
    try {
      call.run();
    } catch (KubernetesClientException error) {
      expect(error.getCode() == code && error.getMessage().contains(words), error);
      return;
    }
    throw new AssertionError("not refused with " + code);
  }

  static void equal(Object wanted, Object actual) {
    expect(wanted.equals(actual), actual + " instead of " + wanted);
  }

  static void expect(boolean holds, Object otherwise) {
    if (!holds) throw new AssertionError(otherwise);
  }

  static void in(String what, CountDownLatch latch) throws InterruptedException {
    expect(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS), "not in time: " + what);
  }

  static void eventually(String what, BooleanSupplier holds) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!holds.getAsBoolean()) {
      expect(System.nanoTime() < deadline, "not in time: " + what);
      try {
        Thread.sleep(50);
      } catch (InterruptedException interrupted) {
        throw new AssertionError(interrupted);
      }
    }
  }
}
