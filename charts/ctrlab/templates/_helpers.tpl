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

{{/* Name of cluster-wide objects, unique among releases in different namespaces. */}}
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

{{/* Labels of one component: (list $ "operator"). */}}
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
{{- required "serviceAccount.name must be set if serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Image reference, with digest or tag: (list $ .Values.image). */}}
{{- define "ctrlab.image" -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default (index . 0).Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Watched namespaces, comma-separated; they include the release's namespace, to watch renewals of the Lease. */}}
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
{{- $generated := printf "http://%s-s3.%s.svc:8333" (include "ctrlab.fullname" .) .Release.Namespace -}}
{{- default (ternary $generated "" .Values.tryout.objectStore.enabled) .Values.defaults.endpoint -}}
{{- end -}}

{{- define "ctrlab.default.storageSecret" -}}
{{- $generated := printf "%s-storage" (include "ctrlab.fullname" .) -}}
{{- default (ternary $generated "" .Values.tryout.objectStore.enabled) .Values.defaults.storageSecret -}}
{{- end -}}

{{- define "ctrlab.default.databaseSecret" -}}
{{- $generated := printf "%s-database" (include "ctrlab.fullname" .) -}}
{{- default (ternary $generated "" .Values.tryout.postgresql.enabled) .Values.defaults.databaseSecret -}}
{{- end -}}

{{/* Secret with the database URL in the release's namespace. */}}
{{- define "ctrlab.migrationSecret" -}}
{{- $generated := printf "%s-database" (include "ctrlab.fullname" .) -}}
{{- default (ternary $generated "" .Values.tryout.postgresql.enabled) .Values.migration.databaseSecret -}}
{{- end -}}

{{/* Names of the Secrets that the operator may read, comma-separated. */}}
{{- define "ctrlab.readableSecrets" -}}
{{- $names := list (include "ctrlab.default.storageSecret" .) (include "ctrlab.default.databaseSecret" .) -}}
{{- concat $names .Values.secretNames | compact | uniq | sortAlpha | join "," -}}
{{- end -}}

{{/* Names of the test Secrets that are sealed independently of experiments, comma-separated. */}}
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
