"""An API server's treatment of custom resources, as far as the CRDs depend on it, after the Kubernetes documentation.

Nulls are dropped, unknown fields refused (strict field validation, which kubectl asks for), defaults filled in, the
schema checked, lists checked for repeated keys, and CEL rules evaluated at every level. A real server has the last
word.
"""

from apiserver.admission import ApiServer, holds, rules_of
from apiserver.cost import rule_costs
from apiserver.structural import structural_problems

__all__ = ["ApiServer", "holds", "rule_costs", "rules_of", "structural_problems"]
