#!/usr/bin/env python3
"""A node: kubelet, containerd, runc, CNI, kube-proxy and CoreDNS behind a kube-apiserver, in namespaces of their own.

usage: node.py up               from nothing to a Ready node; prints the kubeconfig's path
       node.py load FILE...     imports image archives into containerd
       node.py sh COMMAND...    runs COMMAND inside the node's namespaces
       node.py down             ends every process of the node and forgets its state

Environment: NODE_BASE (folder of all it keeps), NODE_TOOLS (folder with the programs that `ensureTool` builds), NODE_PORT
(kube-apiserver on 127.0.0.1).

Needs Linux, root, Debian's packages, openssl, unshare and nsenter. Touches nothing outside NODE_BASE but cgroups named
`functionmesh-node`, which `down` removes: network, mounts, processes, host name and IPC are namespaces, and the node is one
process tree that dies with its first process.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

BASE = pathlib.Path(os.environ["NODE_BASE"])
TOOLS = pathlib.Path(os.environ["NODE_TOOLS"])
PORT = int(os.environ["NODE_PORT"])
SYSROOT, STATE, PKI, LOGS, PIDFILE = BASE / "sysroot", BASE / "state", BASE / "state/pki", BASE / "logs", BASE / "pid"
KUBECONFIG = BASE / "kubeconfig"
NODE, NODE_IP, PODS, SERVICES, KUBERNETES_IP = (
    "functionmesh-node",
    "10.200.0.1",
    "10.244.0.0/24",
    "10.96.0.0/16",
    "10.96.0.1",
)
DEBS = [
    "runc",
    "containerd",
    "containernetworking-plugins",
    "nftables",
    "libnftables1",
    "libnftnl11",
    "libseccomp2",
    "libjansson4",
    "libgmp10",
    "libxtables12",
    "libmnl0",
    "libedit2",
    "libbsd0",
    "libmd0",
]
PAUSE = "functionmesh/pause:1"
ENV = {
    **os.environ,
    "PATH": f"{SYSROOT}/usr/sbin:{SYSROOT}/usr/bin:{TOOLS}:/usr/sbin:/usr/bin:/sbin:/bin",
    "LD_LIBRARY_PATH": f"{SYSROOT}/usr/lib/x86_64-linux-gnu:{SYSROOT}/lib/x86_64-linux-gnu",
    "KUBECONFIG": str(STATE / "admin.kubeconfig"),
}


def sh(*command, **more):
    return subprocess.run([str(c) for c in command], check=True, **more)


def quiet(*command):
    return sh(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def say(text):
    print(f"{time.time() - START:6.1f} s  {text}", flush=True)


START = time.time()


# ---- what it is made of


def unpack():
    """Debian's packages, without their maintainer scripts."""
    if (SYSROOT / ".done").exists():
        return
    (BASE / "debs").mkdir(parents=True, exist_ok=True)
    sh(
        "apt-get",
        "download",
        "-q",
        "-o",
        "APT::Sandbox::User=root",
        *DEBS,
        cwd=BASE / "debs",
        stdout=subprocess.DEVNULL,
    )
    for name in DEBS:
        sh("dpkg", "-x", next((BASE / "debs").glob(f"{name}_*.deb")), SYSROOT)
    (SYSROOT / ".done").touch()
    say("Debian packages unpacked")


# ---- certificates and kubeconfigs


def ca(name):
    quiet(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "3650",
        "-subj",
        f"/CN={name}",
        "-keyout",
        PKI / f"{name}.key",
        "-out",
        PKI / f"{name}.crt",
    )


def certificate(name, by, subject, usage="clientAuth", names=""):
    extensions = PKI / f"{name}.ext"
    extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
    quiet(
        "openssl",
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        subject,
        "-keyout",
        PKI / f"{name}.key",
        "-out",
        PKI / f"{name}.csr",
    )
    quiet(
        "openssl",
        "x509",
        "-req",
        "-in",
        PKI / f"{name}.csr",
        "-CA",
        PKI / f"{by}.crt",
        "-CAkey",
        PKI / f"{by}.key",
        "-CAcreateserial",
        "-days",
        "3650",
        "-extfile",
        extensions,
        "-out",
        PKI / f"{name}.crt",
    )


def kubeconfig(path, name, server):
    def data(file):
        return base64.b64encode((PKI / file).read_bytes()).decode()

    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": NODE,
                "contexts": [{"name": NODE, "context": {"cluster": NODE, "user": name}}],
                "clusters": [
                    {"name": NODE, "cluster": {"server": server, "certificate-authority-data": data("ca.crt")}}
                ],
                "users": [
                    {
                        "name": name,
                        "user": {
                            "client-certificate-data": data(f"{name}.crt"),
                            "client-key-data": data(f"{name}.key"),
                        },
                    }
                ],
            }
        )
    )


def credentials():
    PKI.mkdir(parents=True)
    ca("ca")
    ca("front-proxy-ca")
    certificate(
        "apiserver",
        "ca",
        "/CN=kube-apiserver",
        "serverAuth",
        f"IP:127.0.0.1,IP:{NODE_IP},IP:{KUBERNETES_IP},DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local",
    )
    certificate("kubelet-client", "ca", "/O=system:masters/CN=kube-apiserver-kubelet-client")
    certificate("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client")
    for name, subject in {
        "admin": "/O=system:masters/CN=admin",
        "kube-controller-manager": "/CN=system:kube-controller-manager",
        "kube-scheduler": "/CN=system:kube-scheduler",
        "kube-proxy": "/CN=system:kube-proxy",
        "kubelet": f"/O=system:nodes/CN=system:node:{NODE}",
        "coredns": "/CN=coredns",
    }.items():
        certificate(name, "ca", subject)
        kubeconfig(STATE / f"{name}.kubeconfig", name, f"https://{NODE_IP}:6443")
    kubeconfig(KUBECONFIG, "admin", f"https://127.0.0.1:{PORT}")
    quiet("openssl", "genrsa", "-out", PKI / "sa.key", "2048")
    quiet("openssl", "rsa", "-in", PKI / "sa.key", "-pubout", "-out", PKI / "sa.pub")


# ---- cgroups: folders of our own in whatever is mounted


def hierarchies():
    """Mount points of the cgroup hierarchies, {path: is v2}."""
    found = {}
    for line in open("/proc/self/mounts"):
        _, where, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2") and where.startswith("/sys/fs/cgroup"):
            found[where] = kind == "cgroup2"
    return found


def make_cgroups():
    for where, v2 in hierarchies().items():
        if v2 and where != "/sys/fs/cgroup":
            continue  # beside v1 it has no controllers
        d = pathlib.Path(where, NODE)
        d.mkdir(exist_ok=True)
        for f in ("cpuset.cpus", "cpuset.mems"):
            if not v2 and (d / f).exists() and not (d / f).read_text().strip():
                (d / f).write_text(pathlib.Path(where, f).read_text())
        # All pods together would have the weight of one process of a busy machine.
        for f, weight in (("cpu.shares", 8192), ("cpu.weight", 800)):
            if (d / f).exists():
                (d / f).write_text(str(weight))


def remove_cgroups():
    for where in hierarchies():
        for folder, _, _ in os.walk(f"{where}/{NODE}", topdown=False):
            for _ in range(50):
                try:
                    os.rmdir(folder)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.1)


# ---- inside the namespaces, as process 1


def inside(listener):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    root = STATE / "root"
    for d in ("var/lib", "var/log", "run", "cni", "fake"):
        (root / d).mkdir(parents=True)
    for d in ("var/lib", "var/log", "run"):
        sh("mount", "--bind", root / d, f"/{d}")
    # what kubelet would otherwise set for the whole machine: it finds them as it wants them
    for name, value in {
        "vm/overcommit_memory": 1,
        "vm/panic_on_oom": 0,
        "kernel/panic": 10,
        "kernel/panic_on_oops": 1,
        "kernel/keys/root_maxkeys": 1000000,
        "kernel/keys/root_maxbytes": 25000000,
    }.items():
        fake = root / "fake" / name.replace("/", ".")
        fake.write_text(f"{value}\n")
        sh("mount", "--bind", fake, f"/proc/sys/{name}")
    sh("hostname", NODE)
    for line in (
        "link set lo up",
        "link add node0 type veth peer name node1",
        f"addr add {NODE_IP}/32 dev node0",
        "link set node0 up",
        "link set node1 up",
        f"route add {SERVICES} dev node0 src {NODE_IP}",
    ):
        sh("ip", *line.split())
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    children = {}

    def start(name, *command):
        with open(LOGS / f"{name}.log", "ab") as log:
            children[
                subprocess.Popen(
                    [str(c) for c in command], env=ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                ).pid
            ] = (name, command, time.time())

    threading.Thread(target=forward, args=(listener,), daemon=True).start()

    etcd = "http://127.0.0.1:2379"
    start(
        "etcd",
        "etcd",
        "--data-dir",
        STATE / "etcd",
        "--listen-client-urls",
        etcd,
        "--advertise-client-urls",
        etcd,
        "--listen-peer-urls",
        "http://127.0.0.1:2380",
        "--log-level",
        "warn",
        "--unsafe-no-fsync",
    )
    start(
        "kube-apiserver",
        "kube-apiserver",
        f"--etcd-servers={etcd}",
        f"--advertise-address={NODE_IP}",
        "--secure-port=6443",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        f"--tls-cert-file={PKI}/apiserver.crt",
        f"--tls-private-key-file={PKI}/apiserver.key",
        f"--client-ca-file={PKI}/ca.crt",
        f"--kubelet-client-certificate={PKI}/kubelet-client.crt",
        f"--kubelet-client-key={PKI}/kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-account-key-file={PKI}/sa.pub",
        f"--service-account-signing-key-file={PKI}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--requestheader-client-ca-file={PKI}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={PKI}/front-proxy-client.crt",
        f"--proxy-client-key-file={PKI}/front-proxy-client.key",
    )
    containerd(root)
    start("containerd", "containerd", "--config", STATE / "containerd.toml")
    wait_for(lambda: pathlib.Path("/run/containerd/containerd.sock").exists(), 60, "containerd")
    load(TOOLS / "pause.tar")
    wait_for(api_ready, 180, "kube-apiserver")
    for name in ("kube-controller-manager", "kube-scheduler"):
        more = (
            [
                f"--service-account-private-key-file={PKI}/sa.key",
                f"--root-ca-file={PKI}/ca.crt",
                "--use-service-account-credentials",
                f"--cluster-signing-cert-file={PKI}/ca.crt",
                f"--cluster-signing-key-file={PKI}/ca.key",
            ]
            if "manager" in name
            else []
        )
        start(
            name,
            name,
            f"--kubeconfig={STATE}/{name}.kubeconfig",
            f"--authentication-kubeconfig={STATE}/{name}.kubeconfig",
            f"--authorization-kubeconfig={STATE}/{name}.kubeconfig",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            *more,
        )
    sh("kubectl", "apply", "-f", "-", env=ENV, input=json.dumps(COREDNS_RBAC).encode(), stdout=subprocess.DEVNULL)
    start(
        "kubelet",
        "kubelet",
        f"--kubeconfig={STATE}/kubelet.kubeconfig",
        f"--config={kubelet_config(root)}",
        f"--hostname-override={NODE}",
        f"--node-ip={NODE_IP}",
        "--root-dir=/var/lib/kubelet",
    )
    proxy = STATE / "kube-proxy.json"
    proxy.write_text(
        json.dumps(
            {
                "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
                "kind": "KubeProxyConfiguration",
                "mode": "nftables",
                "clientConnection": {"kubeconfig": f"{STATE}/kube-proxy.kubeconfig"},
                "hostnameOverride": NODE,
                "clusterCIDR": PODS,
                "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            }
        )
    )
    start("kube-proxy", "kube-proxy", f"--config={proxy}")
    corefile = STATE / "Corefile"
    corefile.write_text(
        f".:53 {{\n errors\n ready 127.0.0.1:8181\n kubernetes cluster.local in-addr.arpa {{\n  kubeconfig {STATE}/coredns.kubeconfig\n  pods insecure\n  ttl 5\n }}\n}}\n"
    )
    start("coredns", "coredns", "-conf", corefile)
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            pid = 0
        if pid in children:
            name, command, began = children.pop(pid)
            print(
                f"{name} ended with {os.waitstatus_to_exitcode(status)} after {time.time() - began:.0f} s: {LOGS}/{name}.log",
                flush=True,
            )
            if time.time() - began < 10:
                sys.exit(1)
            start(name, *command)  # killed by a test
        if not pid:
            time.sleep(1)


def forward(listener):
    """Takes connections outside (the socket belongs to the machine's network) and makes them inside."""

    def pump(a, b):
        try:
            while data := a.recv(1 << 16):
                b.sendall(data)
        except OSError:
            pass
        try:
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve(c):
        try:
            s = socket.create_connection(("127.0.0.1", 6443))
        except OSError:
            c.close()
            return
        t = threading.Thread(target=pump, args=(c, s), daemon=True)
        t.start()
        pump(s, c)
        t.join()
        c.close()
        s.close()

    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


def containerd(root):
    (root / "cni/10-node.conflist").write_text(
        json.dumps(
            {
                "cniVersion": "0.4.0",
                "name": "pods",
                "plugins": [
                    {
                        "type": "ptp",
                        "ipMasq": False,
                        "ipam": {
                            "type": "host-local",
                            "ranges": [[{"subnet": PODS}]],
                            "routes": [{"dst": "0.0.0.0/0"}],
                        },
                    },
                ],
            }
        )
    )
    (STATE / "containerd.toml").write_text(f"""version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{SYSROOT}/usr/lib/cni"
    conf_dir = "{root}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
""")


def kubelet_config(root):
    (root / "resolv.conf").write_text("")
    path = STATE / "kubelet.json"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "kubelet.config.k8s.io/v1beta1",
                "kind": "KubeletConfiguration",
                "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
                "authentication": {
                    "anonymous": {"enabled": False},
                    "x509": {"clientCAFile": f"{PKI}/ca.crt"},
                    "webhook": {"enabled": True},
                },
                "authorization": {"mode": "Webhook"},
                "address": NODE_IP,
                "failCgroupV1": False,
                "cgroupDriver": "cgroupfs",
                "cgroupRoot": f"/{NODE}",
                "failSwapOn": False,
                "clusterDNS": [NODE_IP],
                "clusterDomain": "cluster.local",
                "resolvConf": str(root / "resolv.conf"),
                "evictionHard": {
                    "memory.available": "200Mi",
                    "nodefs.available": "1Gi",
                    "imagefs.available": "1Gi",
                    "nodefs.inodesFree": "1%",
                },
                "imageGCHighThresholdPercent": 100,
                "imageGCLowThresholdPercent": 99,
                "syncFrequency": "10s",
                "nodeStatusUpdateFrequency": "5s",
                "volumePluginDir": "/var/lib/kubelet/volume-plugins",
                "serializeImagePulls": False,
            }
        )
    )
    return path


COREDNS_RBAC = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "coredns"},
            "rules": [
                {
                    "apiGroups": [""],
                    "resources": ["services", "pods", "namespaces", "nodes"],
                    "verbs": ["list", "watch", "get"],
                },
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "coredns"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "coredns"},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "coredns"}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "kube-proxy"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-proxier"},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:kube-proxy"}],
        },
    ],
}


def wait_for(condition, seconds, what):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise SystemExit(f"{what} not ready after {seconds} s; see {LOGS}")
        time.sleep(0.2)


def api_ready():
    context = ssl.create_default_context(cafile=str(PKI / "ca.crt"))
    context.load_cert_chain(str(PKI / "admin.crt"), str(PKI / "admin.key"))
    try:
        return urllib.request.urlopen("https://127.0.0.1:6443/readyz", context=context, timeout=2).status == 200
    except OSError:
        return False


# ---- from outside


def pid():
    """Process 1 of the node as the machine sees it, or None."""
    try:
        outer = int(PIDFILE.read_text())
    except (OSError, ValueError):
        return None
    try:
        if b"_inside" not in pathlib.Path(f"/proc/{outer}/cmdline").read_bytes():
            return None
        return int(pathlib.Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0])
    except (OSError, IndexError):
        return None


def enter(*command):
    return [
        "nsenter",
        "-t",
        str(pid() or sys.exit("the node is not up")),
        "-m",
        "-n",
        "-p",
        "-u",
        "-i",
        "--",
        *map(str, command),
    ]


def load(*files):
    for f in files:
        sh(
            *(enter() if os.getpid() != 1 else []),
            "ctr",
            "-n",
            "k8s.io",
            "images",
            "import",
            pathlib.Path(f).absolute(),
            env=ENV,
            stdout=subprocess.DEVNULL,
        )


def kubectl(*a, **more):
    return subprocess.run(
        ["kubectl", f"--kubeconfig={KUBECONFIG}", *a], env=ENV, capture_output=True, text=True, **more
    )


def node_ready():
    return (
        kubectl("get", "node", NODE, "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}').stdout == "True"
    )


def up():
    BASE.mkdir(parents=True, exist_ok=True)
    unpack()
    if not pid():
        down()
        shutil.rmtree(LOGS, ignore_errors=True)
        LOGS.mkdir()
        credentials()
        make_cgroups()
        say("credentials and cgroups made")
        listener = socket.create_server(("127.0.0.1", PORT))
        os.set_inheritable(listener.fileno(), True)
        with open(LOGS / "node.log", "wb") as log:
            outer = subprocess.Popen(
                [
                    "unshare",
                    "--mount",
                    "--net",
                    "--pid",
                    "--uts",
                    "--ipc",
                    "--fork",
                    "--kill-child",
                    "--mount-proc",
                    "--propagation",
                    "private",
                    sys.executable,
                    __file__,
                    "_inside",
                    str(listener.fileno()),
                ],
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        PIDFILE.write_text(str(outer.pid))

        def check():
            if outer.poll() is not None:
                raise SystemExit(f'the node ended: {(LOGS / "node.log").read_text()[-2000:]}')
            return node_ready()

        wait_for(check, 240, "node")
        wait_for(lambda: kubectl("get", "sa", "default").returncode == 0, 60, "service accounts")
    say(f"READY  {KUBECONFIG}")


def down():
    if first := pid():
        os.kill(int(PIDFILE.read_text()), signal.SIGKILL)  # its child goes with it, and all of that pid namespace
        wait_for(lambda: not pathlib.Path(f"/proc/{first}").exists(), 60, "end of the node")
    remove_cgroups()
    shutil.rmtree(STATE, ignore_errors=True)
    PIDFILE.unlink(missing_ok=True)


if __name__ == "__main__":
    verb, rest = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if verb == "up":
        up()
    elif verb == "load":
        load(*rest)
    elif verb == "sh":
        os.execvpe("nsenter", enter(*(rest or ["bash"])), ENV)
    elif verb == "down":
        down()
    elif verb == "_inside":
        inside(socket.socket(fileno=int(rest[0])))
    else:
        sys.exit(__doc__)
