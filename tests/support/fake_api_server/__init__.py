"""A fake API server: stored objects behind HTTP or in process, with the admission of custom resources by their CRDs.

It implements what the operator and the CRDs rely on, after the Kubernetes documentation; a real server has the last
word (`make e2e`, CTRLAB_TEST_KUBECONFIG).
"""

from fake_api_server.admission import CustomResourceAdmission, holds, rules_of
from fake_api_server.admission_policies import AdmissionPolicy, time_admission
from fake_api_server.cel_costs import rule_costs
from fake_api_server.structural_schemas import structural_problems

__all__ = [
    "AdmissionPolicy",
    "CustomResourceAdmission",
    "holds",
    "rule_costs",
    "rules_of",
    "structural_problems",
    "time_admission",
]
