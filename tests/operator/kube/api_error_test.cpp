#include "operator/kube/api_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/utf8.hpp"

namespace socketmesh::op::kube {
namespace {

using Kind = ApiError::Kind;

TEST(ApiErrorTest, ReadsAStatus) {
  const ApiError error = error_from_response(
      409, R"({"kind":"Status","reason":"Conflict","message":"the object has been modified"})",
      "3");
  EXPECT_EQ(error.to_string(), "conflict (409 Conflict): the object has been modified");
  EXPECT_EQ(error.retry_after, std::chrono::seconds(3));
}

TEST(ApiErrorTest, DoesWithoutAStatus) {
  for (const char* body : {"", "<html>", "[]", R"({"kind":"Pod","message":"x"})",
                           R"({"kind":"Status","reason":1,"message":{}})"}) {
    const ApiError error = error_from_response(502, body, "");
    EXPECT_EQ(error.to_string(), "server error (502): the server gave no reason") << body;
    EXPECT_FALSE(error.retry_after);
  }
}

// It goes into conditions and logs: as JSON, it must stay UTF-8.
TEST(ApiErrorTest, CutsALongMessageBetweenCharacters) {
  std::string text = "a";
  for (int i = 0; i < 1'000; ++i) text += "\xc3\xa9";
  const ApiError error =
      error_from_response(422, R"({"kind":"Status","message":")" + text + "\"}", "");
  EXPECT_EQ(error.message.size(), 1'023U);
  EXPECT_TRUE(is_utf8(error.message));
}

}  // namespace
}  // namespace socketmesh::op::kube
