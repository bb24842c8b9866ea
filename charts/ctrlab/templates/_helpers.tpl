{{/* Names, labels and settings that several templates share. */}}

{{- define "ctrlab.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "ctrlab.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "ctrlab.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ctrlab.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of cluster-wide objects: two releases in different namespaces must not meet. */}}
{{- define "ctrlab.clusterName" -}}
{{- printf "%s-%s" (include "ctrlab.fullname" .) .Release.Namespace | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "ctrlab.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "ctrlab.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: ctrlab
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Of one component: (list $ "operator"). */}}
{{- define "ctrlab.componentLabels" -}}
{{ include "ctrlab.labels" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "ctrlab.selector" -}}
app.kubernetes.io/name: {{ include "ctrlab.name" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "ctrlab.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ctrlab.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name must be given where serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* repository, and digest or tag: (list $ .Values.image). */}}
{{- define "ctrlab.image" -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default (index . 0).Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Comma-separated; the release's namespace is always among them, because the Lease's renewals must be seen. */}}
{{- define "ctrlab.namespaces" -}}
{{- if .Values.watchNamespaces -}}
{{- append .Values.watchNamespaces .Release.Namespace | uniq | sortAlpha | join "," -}}
{{- end -}}
{{- end -}}

{{- define "ctrlab.default.artifacts" -}}
{{- $bucket := printf "s3://%s/experiments" .Values.tryout.objectStore.bucket -}}
{{- default (ternary $bucket "" .Values.tryout.objectStore.enabled) .Values.defaults.artifacts -}}
{{- end -}}

{{- define "ctrlab.default.endpoint" -}}
{{- $own := printf "http://%s-s3.%s.svc:8333" (include "ctrlab.fullname" .) .Release.Namespace -}}
{{- default (ternary $own "" .Values.tryout.objectStore.enabled) .Values.defaults.endpoint -}}
{{- end -}}

{{- define "ctrlab.default.storageSecret" -}}
{{- $own := printf "%s-storage" (include "ctrlab.fullname" .) -}}
{{- default (ternary $own "" .Values.tryout.objectStore.enabled) .Values.defaults.storageSecret -}}
{{- end -}}

{{- define "ctrlab.default.databaseSecret" -}}
{{- $own := printf "%s-database" (include "ctrlab.fullname" .) -}}
{{- default (ternary $own "" .Values.tryout.postgresql.enabled) .Values.defaults.databaseSecret -}}
{{- end -}}

{{/* The Secret with the URL in the release's namespace. */}}
{{- define "ctrlab.migrationSecret" -}}
{{- $own := printf "%s-database" (include "ctrlab.fullname" .) -}}
{{- default (ternary $own "" .Values.tryout.postgresql.enabled) .Values.migration.databaseSecret -}}
{{- end -}}

{{/* Comma-separated names of the Secrets that the operator may read. */}}
{{- define "ctrlab.readableSecrets" -}}
{{- $names := list (include "ctrlab.default.storageSecret" .) (include "ctrlab.default.databaseSecret" .) -}}
{{- concat $names .Values.secretNames | compact | uniq | sortAlpha | join "," -}}
{{- end -}}

{{/* Comma-separated names of the Secrets that are sealed whatever experiments say. */}}
{{- define "ctrlab.sealedSecrets" -}}
{{- append .Values.seal.secretNames .Values.defaults.testSecret | compact | uniq | sortAlpha | join "," -}}
{{- end -}}

{{- define "ctrlab.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ctrlab.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
