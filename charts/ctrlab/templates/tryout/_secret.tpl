{{/* Value of a key in a Secret of the release's namespace, generated once and kept: (list $ "name" "key" value). */}}
{{- define "ctrlab.keptValue" -}}
{{- $root := index . 0 -}}
{{- $secret := lookup "v1" "Secret" $root.Release.Namespace (index . 1) | default dict -}}
{{- $existing := index ($secret.data | default dict) (index . 2) | default "" | b64dec -}}
{{- default (default (randAlphaNum 32) $existing) (index . 3) -}}
{{- end -}}

{{/* Namespaces in which the Secrets for experiments are created. */}}
{{- define "ctrlab.tryoutNamespaces" -}}
{{- append .Values.tryout.namespaces .Release.Namespace | uniq | sortAlpha | join "," -}}
{{- end -}}

{{/* A volume that is deleted with the release, because a new password would not match old data. */}}
{{- define "ctrlab.tryoutVolume" -}}
persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}
volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storageClassName }}
      storageClassName: {{ . }}
      {{- end }}
      resources: {requests: {storage: {{ .storage }}}}
{{- end -}}

{{/* Only the operator, its hooks and worker pods of any namespace may connect: (list $ component port). */}}
{{- define "ctrlab.tryoutNetworkPolicy" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "ctrlab.fullname" $root }}-{{ index . 1 }}
  namespace: {{ $root.Release.Namespace }}
  labels: {{- include "ctrlab.componentLabels" (list $root (index . 1)) | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "ctrlab.selector" (list $root (index . 1)) | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - from:
        - namespaceSelector: {}
          podSelector:
            matchLabels: {app.kubernetes.io/part-of: ctrlab}
      ports:
        - {port: {{ index . 2 }}, protocol: TCP}
{{- end }}
{{- end -}}
