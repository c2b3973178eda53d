// What a ListWatch wants done: requests for its shell, objects for its consumer. Values.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "lib/kube/failure.hpp"

namespace socketmesh::kube {

using RequestId = std::uint64_t;

// GET `target`. Then responded(); received() with the body, as it comes; and finished() or
// failed().
struct Request {
  RequestId id = 0;
  std::string target;  // path and query, encoded
  bool watch = false;  // the body streams for minutes: no client timeout below deadline()
};
// Stop the request; calls that name it are ignored from here on.
struct Abort {
  RequestId id = 0;
};
// The token was refused: read it anew before the next request.
struct Reauthenticate {};
// The whole collection, in place of all that was delivered before.
struct Replace {
  std::vector<nlohmann::json> objects;
  std::string resource_version;
};
// An object that is new or has changed.
struct Upsert {
  nlohmann::json object;
};
struct Delete {
  nlohmann::json object;  // as it was last
};
// Everything up to this version was delivered.
struct Bookmark {
  std::string resource_version;
};
// Listing or watching fails, since now, or for another reason than those told. To be logged.
struct Troubled {
  Failure failure;
};
// A watch is open and stays: the trouble is over.
struct Recovered {};

using Action = std::variant<Request, Abort, Reauthenticate, Replace, Upsert, Delete, Bookmark,
                            Troubled, Recovered>;

}  // namespace socketmesh::kube
