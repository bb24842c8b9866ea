{{/* What the operator may do where experiments lie: in a ClusterRole, or in a Role of each watched namespace. */}}
{{- define "ctrlab.rules" -}}
# Reads experiments and is told of their changes.
- apiGroups: [ctrlab.dev]
  resources: [ctrexperiments, ablations]
  verbs: [get, list, watch]
# Writes what it found into status, never into spec or metadata.
- apiGroups: [ctrlab.dev]
  resources: [ctrexperiments/status, ablations/status]
  verbs: [patch]
# A Job for each phase: server-side apply (create and patch), scaling (patch), and the end of those that are not needed.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [list, watch, create, patch, delete]
# Why workers fail or do not start, and which of them are gone; it never creates or deletes a pod.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# The frozen plan that workers read (server-side apply); it reads none back.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, patch]
# Tells of every change of stage and every failure; of a Job without pods it reads why they are refused.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, list]
# Its own Lease's renewals come back through a watch, the proof that watches work while nothing else happens.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [list, watch]
{{- with include "ctrlab.readableSecrets" . }}
# The credentials with which it looks into store and study: these names alone, none of them a test Secret.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ splitList "," . | toJson }}
  verbs: [get]
{{- end }}
{{- end -}}
