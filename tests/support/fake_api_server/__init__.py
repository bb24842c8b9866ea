"""An API server's treatment of custom resources, as far as the CRDs depend on it, after the Kubernetes documentation.

Nulls are dropped, unknown fields refused (strict field validation, which kubectl asks for), defaults filled in, the
schema checked, lists checked for repeated keys, and CEL rules evaluated at every level. A real server has the last
word.
"""

from fake_api_server.admission import CustomResourceAdmission, holds, rules_of
from fake_api_server.cel_costs import rule_costs
from fake_api_server.structural_schemas import structural_problems

__all__ = ["CustomResourceAdmission", "holds", "rule_costs", "rules_of", "structural_problems"]
