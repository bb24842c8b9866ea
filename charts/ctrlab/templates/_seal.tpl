{{/*
An admission policy with its binding. `sealed` is a CEL list of Secret names; with `experiments`, the policy is evaluated
for each CTRExperiment in the pod's namespace as `params`.
*/}}
{{- define "ctrlab.sealPolicy" -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ .name }}
  labels: {{- include "ctrlab.componentLabels" (list .root "seal") | nindent 4 }}
spec:
  failurePolicy: Fail
  {{- if .experiments }}
  paramKind: {apiVersion: ctrlab.dev/v1alpha1, kind: CTRExperiment}
  {{- end }}
  matchConstraints:
    resourceRules:
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [pods, pods/ephemeralcontainers]
    objectSelector:
      matchExpressions:
        - {key: ctrlab.dev/phase, operator: Exists}
        - {key: ctrlab.dev/phase, operator: NotIn, values: [evaluate]}
    {{- with include "ctrlab.namespaces" .root }}
    namespaceSelector:
      matchExpressions:
        - {key: kubernetes.io/metadata.name, operator: In, values: {{ splitList "," . | toJson }}}
    {{- end }}
  variables:
    - name: sealed
      expression: {{ .sealed | squote }}
    - name: initContainers
      expression: "has(object.spec.initContainers) ? object.spec.initContainers : []"
    - name: ephemeralContainers
      expression: "has(object.spec.ephemeralContainers) ? object.spec.ephemeralContainers : []"
    - name: volumes
      expression: "has(object.spec.volumes) ? object.spec.volumes : []"
  validations:
    {{- range $containers := list "object.spec.containers" "variables.initContainers" "variables.ephemeralContainers" }}
    - expression: >-
        !{{ $containers }}.exists(c,
        (has(c.env) && c.env.exists(e, has(e.valueFrom) && has(e.valueFrom.secretKeyRef)
        && e.valueFrom.secretKeyRef.name in variables.sealed))
        || (has(c.envFrom) && c.envFrom.exists(f, has(f.secretRef) && f.secretRef.name in variables.sealed)))
      messageExpression: {{ include "ctrlab.sealMessage" $ | squote }}
      reason: Forbidden
    {{- end }}
    - expression: >-
        !variables.volumes.exists(v,
        (has(v.secret) && has(v.secret.secretName) && v.secret.secretName in variables.sealed)
        || (has(v.projected) && has(v.projected.sources)
        && v.projected.sources.exists(s, has(s.secret) && s.secret.name in variables.sealed))
        || (has(v.csi) && has(v.csi.nodePublishSecretRef) && v.csi.nodePublishSecretRef.name in variables.sealed))
      messageExpression: {{ include "ctrlab.sealMessage" . | squote }}
      reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "ctrlab.componentLabels" (list .root "seal") | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
  {{- if .experiments }}
  paramRef:
    selector: {}
    parameterNotFoundAction: Allow
  {{- end }}
{{- end -}}

{{- define "ctrlab.sealMessage" -}}
"the test set is sealed: a pod of phase " + object.metadata.labels["ctrlab.dev/phase"] + " must not reference the Secret " + variables.sealed.join(" or ") + "; only final runs (phase evaluate) may"
{{- end -}}
