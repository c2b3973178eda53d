// Reads one JSON object of a resource, field by field, and reports what is wrong with its path.
//
//   Fields fields(object, "spec.tls", problems);
//   fields.duration("leafValidity", tls.leaf_validity, kMin, kMax);   // absent: untouched
//   fields.finish(UnknownFields::kRefuse);                            // what was never asked for
//
// A field is known when it was asked for. Borrows the object and the list of problems. Internal to
// operator/api.
#pragma once

#include <chrono>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "operator/api/socket_mesh.hpp"

namespace socketmesh::op::api {

class Fields {
 public:
  // What is no object counts as empty, with a problem.
  Fields(const json& object, std::string path, Problems& problems);

  // "spec.tls" + "leafValidity"; for list items path + "[0]".
  [[nodiscard]] std::string path_of(std::string_view key) const;
  void complain(std::string_view key, std::string message);

  // The value; nothing when it is absent or null (which is a problem). Marks the field as known.
  const json* take(const char* key);
  // The same, of that type only; another type is a problem.
  const json* take_object(const char* key);
  const json* take_array(const char* key, std::size_t items_min, std::size_t items_max);

  // Reports a field that must be there and is not; for texts also one that is empty or no text.
  void require(const char* key);
  void require_text(const char* key);

  void text(const char* key, std::string& target, std::size_t bytes_max);
  void one_of(const char* key, std::string& target,
              std::initializer_list<std::string_view> choices);
  void integer(const char* key, std::int32_t& target, std::int32_t min, std::int32_t max);
  void boolean(const char* key, bool& target);
  void duration(const char* key, milliseconds& target, milliseconds min, milliseconds max);
  void size(const char* key, std::uint64_t& target, std::uint64_t min, std::uint64_t max);
  void strings(const char* key, Strings& target);

  // Calls `check` with the fields of each item of the list `key`, which must be objects.
  template <typename Check>
  void check_items(const char* key, const json& list, const Check& check) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      Fields item(list[i], path_of(key) + "[" + std::to_string(i) + "]", problems_);
      check(item);
    }
  }
  void check_texts(const char* key, const json& list);

  void finish(UnknownFields unknown);

 private:
  const json* take_text(const char* key);

  const json& object_;
  std::string path_;
  Problems& problems_;
  std::set<std::string, std::less<>> known_;
};

// "a text", "a number", "a list"...: for messages.
std::string_view describe(const json& value);

}  // namespace socketmesh::op::api
