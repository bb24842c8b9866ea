-- Health of CTRExperiment and Ablation for Argo CD, the same script for both kinds. In the ConfigMap argocd-cm:
--   resource.customizations.health.ctrlab.dev_CTRExperiment: <this file>
--   resource.customizations.health.ctrlab.dev_Ablation: <this file>
local health = {status = "Progressing", message = "the operator has not seen this generation"}
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.status == "True" then
    conditions[condition.type] = condition
  end
  if condition.type == "Ready" then
    health.message = condition.reason .. ": " .. (condition.message or "")
  end
end

if conditions.Failed ~= nil or conditions.Stalled ~= nil then
  local problem = conditions.Failed or conditions.Stalled
  health.status = "Degraded"
  health.message = problem.reason .. ": " .. (problem.message or "")
elseif conditions.Reconciling ~= nil then
  health.message = conditions.Reconciling.reason .. ": " .. (conditions.Reconciling.message or "")
elseif conditions.Suspended ~= nil then
  health.status = "Suspended"
elseif conditions.Succeeded ~= nil then
  health.status = "Healthy"
end
return health
