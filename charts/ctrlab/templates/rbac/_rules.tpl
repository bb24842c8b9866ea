{{/* Rights of the operator in watched namespaces, in a ClusterRole or in a Role of each namespace. */}}
{{- define "ctrlab.rules" -}}
# Read and watch experiments and ablations.
- apiGroups: [ctrlab.dev]
  resources: [ctrexperiments, ablations]
  verbs: [get, list, watch]
# Write their status, never spec or metadata.
- apiGroups: [ctrlab.dev]
  resources: [ctrexperiments/status, ablations/status]
  verbs: [patch]
# Run a Job for each phase: server-side apply (create and patch), scaling (patch), deletion.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, patch, delete]
# Find out why worker pods fail or do not start, and which are gone; pods are never created or deleted.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Write the frozen plan that worker pods mount (server-side apply).
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, patch]
# Publish changes of stage and failures; read why the pods of a Job are rejected.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, list]
# Read why Kueue holds a Job.
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads]
  verbs: [list]
# Watch the renewals of the operator's Lease, which prove that watches work while nothing else happens.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list, watch]
{{- with include "ctrlab.readableSecrets" . }}
# Read the credentials of store and study: only these names, none of them a test Secret.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ splitList "," . | toJson }}
  verbs: [get]
{{- end }}
{{- end -}}
