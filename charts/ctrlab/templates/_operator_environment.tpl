{{/* Settings of the operator, read by operator/ctrlab_operator/operator_settings.py. */}}
{{- define "ctrlab.environment" -}}
- {name: CTRLAB_OPERATOR_IMAGE, value: {{ include "ctrlab.image" (list . .Values.image) | quote }}}
- {name: CTRLAB_TRAINER_IMAGE, value: {{ include "ctrlab.image" (list . .Values.trainer.image) | quote }}}
- {name: CTRLAB_IMAGE_PULL_POLICY, value: {{ .Values.image.pullPolicy | quote }}}
- {name: CTRLAB_NAMESPACES, value: {{ include "ctrlab.namespaces" . | quote }}}
- {name: CTRLAB_POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
- {name: CTRLAB_POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
- {name: CTRLAB_POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
- {name: CTRLAB_RECONCILE_WORKERS, value: {{ .Values.reconcile.workers | int | quote }}}
- {name: CTRLAB_POLL_SECONDS, value: {{ .Values.reconcile.pollSeconds | int | quote }}}
- {name: CTRLAB_RESYNC_SECONDS, value: {{ .Values.reconcile.resyncSeconds | int | quote }}}
- {name: CTRLAB_JOB_TTL_SECONDS, value: {{ .Values.jobTTLSeconds | int | quote }}}
- {name: CTRLAB_LOG_LEVEL, value: {{ .Values.logLevel | quote }}}
- {name: CTRLAB_PORT, value: "8080"}
- {name: CTRLAB_DEFAULT_ARTIFACTS, value: {{ include "ctrlab.default.artifacts" . | quote }}}
- {name: CTRLAB_DEFAULT_ENDPOINT, value: {{ include "ctrlab.default.endpoint" . | quote }}}
- {name: CTRLAB_DEFAULT_REGION, value: {{ .Values.defaults.region | quote }}}
- {name: CTRLAB_DEFAULT_STORAGE_SECRET, value: {{ include "ctrlab.default.storageSecret" . | quote }}}
- {name: CTRLAB_DEFAULT_TEST_SECRET, value: {{ .Values.defaults.testSecret | quote }}}
- {name: CTRLAB_DEFAULT_DATABASE_SECRET, value: {{ include "ctrlab.default.databaseSecret" . | quote }}}
- {name: CTRLAB_DEFAULT_RESOURCES, value: {{ .Values.defaults.resources | toJson | quote }}}
- {name: HOME, value: /tmp}
{{- end -}}
