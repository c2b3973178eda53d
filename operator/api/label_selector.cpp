#include "operator/api/label_selector.hpp"

#include "lib/base/text.hpp"
#include "operator/api/fields.hpp"
#include "operator/api/limits.hpp"

namespace socketmesh::op::api {
namespace {

void check_requirement(Fields& requirement, UnknownFields unknown) {
  requirement.require_text("key");
  requirement.require("operator");
  std::string comparison;
  requirement.one_of("operator", comparison, {"In", "NotIn", "Exists", "DoesNotExist"});
  const json* values = requirement.take_array("values", 0, kSelectorItemsMax);
  if (values != nullptr) requirement.check_texts("values", *values);
  const bool compares = comparison == "In" || comparison == "NotIn";
  const bool given = values != nullptr && !values->empty();
  if (compares && !given) requirement.complain("values", "is needed with " + comparison);
  if (!compares && given) requirement.complain("values", "does not go with " + comparison);
  requirement.finish(unknown);
}

}  // namespace

void check_label_selector(const json& selector, const std::string& path, UnknownFields unknown,
                          Problems& problems) {
  Fields fields(selector, path, problems);
  Strings labels;
  fields.strings("matchLabels", labels);
  const json* requirements = fields.take_array("matchExpressions", 0, kSelectorItemsMax);
  if (requirements != nullptr) {
    fields.check_items("matchExpressions", *requirements,
                       [unknown](Fields& requirement) { check_requirement(requirement, unknown); });
  }
  fields.finish(unknown);
}

}  // namespace socketmesh::op::api
