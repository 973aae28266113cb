{{/* Names, as other charts build them: the release's alone where it says enough. */}}
{{- define "fm.name" -}}
{{- default "function-mesh" .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "fm.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "fm.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "fm.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Pods of a StatefulSet have its name and ten characters more in a label, which may have 63. */}}
{{- define "fm.manager" -}}
{{- $name := printf "%s-controller-manager" (include "fm.fullname" .) -}}
{{- ternary ($name | trunc 52 | trimSuffix "-") $name (eq .Values.storage.type "embedded") -}}
{{- end -}}
{{- define "fm.etcd" -}}{{ include "fm.fullname" . }}-etcd{{- end -}}
{{- define "fm.service" -}}{{ include "fm.fullname" . }}{{- end -}}
{{- define "fm.serviceAccount" -}}
{{- default (include "fm.manager" .) .Values.controllerManager.serviceAccount.name -}}
{{- end -}}
{{/* Of a repository and a tag, or a digest in its place. */}}
{{- define "fm.imageOf" -}}
{{ .repository }}{{ ternary "@" ":" (hasPrefix "sha256:" .tag) }}{{ .tag }}
{{- end -}}
{{- define "fm.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ include "fm.imageOf" (dict "repository" .Values.image.repository "tag" $tag) }}
{{- end -}}

{{- define "fm.selector" -}}
app.kubernetes.io/name: {{ include "fm.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fm.labels" -}}
{{ include "fm.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: function-mesh
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Secret the serving certificate is in; with `self` the server makes it. */}}
{{- define "fm.servingSecret" -}}
{{- if eq .Values.certificates.provider "secret" -}}
{{- required "certificates.secretName is needed with certificates.provider=secret" .Values.certificates.secretName -}}
{{- else -}}
{{ include "fm.fullname" . }}-serving-cert
{{- end -}}
{{- end -}}

{{- define "fm.etcdSecret" -}}
{{- default (printf "%s-tls" (include "fm.etcd" .)) .Values.storage.etcd.tlsSecretName -}}
{{- end -}}

{{/* Secret with the TLS files of the etcd in use; empty: none. */}}
{{- define "fm.etcdClientSecret" -}}
{{- if eq .Values.storage.type "etcd" -}}
{{ include "fm.etcdSecret" . }}
{{- else if eq .Values.storage.type "external" -}}
{{ .Values.storage.external.tlsSecretName }}
{{- end -}}
{{- end -}}

{{- define "fm.etcdServers" -}}
{{- if eq .Values.storage.type "external" -}}
{{- if not .Values.storage.external.servers -}}{{ fail "storage.external.servers is needed with storage.type=external" }}{{- end -}}
{{ join "," .Values.storage.external.servers }}
{{- else -}}
{{- $urls := list -}}
{{- $name := include "fm.etcd" . -}}
{{- range $i := until (int .Values.storage.etcd.members) -}}
{{- $urls = append $urls (printf "https://%s-%d.%s.%s.svc:2379" $name $i $name $.Release.Namespace) -}}
{{- end -}}
{{ join "," $urls }}
{{- end -}}
{{- end -}}

{{- define "fm.embedded" -}}{{ if eq .Values.storage.type "embedded" }}true{{ end }}{{- end -}}

{{- define "fm.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "fm.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* A volume claim or, without persistence, a folder that goes with the pod. */}}
{{- define "fm.claim" -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: data
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storageClassName }}
    storageClassName: {{ . | quote }}
    {{- end }}
    resources:
      requests:
        storage: {{ .size }}
{{- end -}}

{{- define "fm.replicas" -}}
{{- $embedded := eq (include "fm.embedded" .) "true" -}}
{{- $given := .Values.controllerManager.replicas -}}
{{- $replicas := kindIs "invalid" $given | ternary ($embedded | ternary 1 2) $given | int -}}
{{- if and $embedded (gt $replicas 1) -}}
{{- fail "controllerManager.replicas: storage.type=embedded allows 1, as the store is a file of one pod" -}}
{{- end -}}
{{- $replicas -}}
{{- end -}}
