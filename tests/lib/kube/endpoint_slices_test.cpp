#include "lib/kube/endpoint_slices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace socketmesh::kube {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

json endpoint(const std::string& address, const std::string& uid = "") {
  json one{{"addresses", json::array({address})}};
  if (!uid.empty()) one["targetRef"] = {{"kind", "Pod"}, {"uid", uid}};
  return one;
}

json slice(const std::string& name, const std::vector<json>& endpoints,
           const std::string& type = "IPv4") {
  const json link{{"name", "link"}, {"port", 7400}, {"protocol", "TCP"}};
  return {{"metadata", {{"name", name}}},
          {"addressType", type},
          {"ports", json::array({link})},
          {"endpoints", json(endpoints)}};
}

EndpointSlices make(AddressFamily preferred = AddressFamily::kIPv4) {
  return EndpointSlices({"link", 7400}, preferred);
}

TEST(EndpointSlices, MergesAllSlicesSorted) {
  EndpointSlices slices = make();
  EXPECT_THAT(slices.addresses(), IsEmpty());
  slices.replace({slice("x", {endpoint("10.0.0.9", "u9"), endpoint("10.0.0.1", "u1")}),
                  slice("y", {endpoint("10.0.0.5", "u5")})});
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400", "10.0.0.5:7400", "10.0.0.9:7400"));
  slices.upsert(slice("x", {endpoint("10.0.0.9", "u9")}));
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.5:7400", "10.0.0.9:7400"));
  slices.erase(slice("y", {}));
  slices.erase(slice("never seen", {}));
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.9:7400"));
  slices.replace({slice("z", {endpoint("10.0.0.2")})});
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.2:7400"));
}

TEST(EndpointSlices, AnEndpointInTwoSlicesIsOneAddress) {
  EndpointSlices slices = make();
  slices.replace({slice("x", {endpoint("10.0.0.1", "u1")}),
                  slice("y", {endpoint("10.0.0.1", "u1"), endpoint("10.0.0.1")})});
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400"));
  // It moved from one slice to the other: still a candidate while one of them has it.
  slices.upsert(slice("x", {}));
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400"));
  slices.upsert(slice("y", {}));
  EXPECT_THAT(slices.addresses(), IsEmpty());
}

TEST(EndpointSlices, ConditionsDoNotMatter) {
  json gone = endpoint("10.0.0.1", "u1");
  gone["conditions"] = {{"ready", false}, {"serving", false}, {"terminating", true}};
  EndpointSlices slices = make();
  slices.replace({slice("x", {gone})});
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400"));
}

TEST(EndpointSlices, ADualStackEndpointIsReachedByThePreferredFamily) {
  const std::vector<json> both = {
      slice("four", {endpoint("10.0.0.1", "u1"), endpoint("10.0.0.2", "u2")}),
      slice("six", {endpoint("fd00::1", "u1"), endpoint("fd00::3", "u3")}, "IPv6")};
  EndpointSlices four = make();
  four.replace(both);
  EXPECT_THAT(four.addresses(), ElementsAre("10.0.0.1:7400", "10.0.0.2:7400", "[fd00::3]:7400"));
  EndpointSlices six = make(AddressFamily::kIPv6);
  six.replace(both);
  EXPECT_THAT(six.addresses(), ElementsAre("10.0.0.2:7400", "[fd00::1]:7400", "[fd00::3]:7400"));
}

TEST(EndpointSlices, AnEndpointThatChangedItsAddressHasBothUntilOneLeaves) {
  EndpointSlices slices = make();
  slices.replace(
      {slice("old", {endpoint("10.0.0.1", "u1")}), slice("new", {endpoint("10.0.0.2", "u1")})});
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400", "10.0.0.2:7400"));
}

TEST(EndpointSlices, ThePortIsChosenByNameThenByNumber) {
  EndpointSlices slices = make();
  json one = slice("x", {endpoint("10.0.0.1")});
  one["ports"] =
      json::array({{{"name", "other"}, {"port", 7400}}, {{"name", "link"}, {"port", 9000}}});
  slices.upsert(one);
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:9000"));
  one["ports"] =
      json::array({{{"name", "first"}, {"port", 80}}, {{"name", "other"}, {"port", 7400}}});
  slices.upsert(one);
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400"));
  one["ports"] = json::array({{{"name", ""}, {"port", 7400}, {"protocol", "TCP"}}});
  slices.upsert(one);
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400"));
  EXPECT_EQ(slices.slices_left_out(), 0U);
}

TEST(EndpointSlices, ASliceWithoutThePortIsLeftOut) {
  const auto ports_of = [](const json& port) { return json::array({port}); };
  const std::vector<json> wrong_ports = {
      json(),
      json::array(),
      json(7),
      ports_of(7),
      ports_of({{"name", "link"}}),
      ports_of({{"name", "link"}, {"port", nullptr}}),
      ports_of({{"name", "link"}, {"port", 0}}),
      ports_of({{"name", "link"}, {"port", 65536}}),
      ports_of({{"name", "link"}, {"port", "7400"}}),
      ports_of({{"name", "link"}, {"port", 7400}, {"protocol", "UDP"}}),
      ports_of({{"name", "x"}, {"port", 80}})};
  for (const json& ports : wrong_ports) {
    EndpointSlices slices = make();
    json one = slice("x", {endpoint("10.0.0.1")});
    one["ports"] = ports;
    slices.upsert(one);
    EXPECT_THAT(slices.addresses(), IsEmpty()) << ports;
    EXPECT_EQ(slices.slices_left_out(), 1U) << ports;
  }
}

TEST(EndpointSlices, ASliceOfNobodyIsNotLeftOut) {
  EndpointSlices slices = make();
  // What the controller writes for a Service without pods.
  slices.upsert({{"metadata", {{"name", "x"}}},
                 {"addressType", "IPv4"},
                 {"endpoints", nullptr},
                 {"ports", nullptr}});
  EXPECT_EQ(slices.slices(), 1U);
  EXPECT_EQ(slices.slices_left_out(), 0U);
}

TEST(EndpointSlices, AddressesThatAreNoneAreLeftOut) {
  EndpointSlices slices = make();
  json none = endpoint("x");
  none["addresses"] = json::array();
  slices.upsert(slice("x", {endpoint(""),
                            endpoint("pod.example"),
                            endpoint("fd00::1"),
                            endpoint("10.0.0.1:80"),
                            endpoint(std::string("10.0.0.1\0", 9)),
                            endpoint("10.0.0"),
                            none,
                            json(7),
                            json::object(),
                            {{"addresses", 7}},
                            {{"addresses", json::array({7})}},
                            endpoint("10.0.0.2")}));
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.2:7400"));
}

TEST(EndpointSlices, OnlyTheFirstAddressCounts) {
  json two = endpoint("10.0.0.1");
  two["addresses"].push_back("10.0.0.2");
  EndpointSlices slices = make();
  slices.upsert(slice("x", {two}));
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.1:7400"));
}

TEST(EndpointSlices, NamesInPlaceOfAddressesAreLeftOut) {
  EndpointSlices slices = make();
  slices.upsert(slice("x", {endpoint("a.example")}, "FQDN"));
  EXPECT_THAT(slices.addresses(), IsEmpty());
  EXPECT_EQ(slices.slices_left_out(), 1U);
}

TEST(EndpointSlices, AnythingMayComeAsASlice) {
  EndpointSlices slices = make();
  slices.replace({json(),
                  json(7),
                  json::array({1}),
                  {{"metadata", 7}},
                  {{"endpoints", 7}, {"addressType", 7}},
                  {{"endpoints", json::array({endpoint("10.0.0.1")})}, {"addressType", "IPv4"}}});
  EXPECT_THAT(slices.addresses(), IsEmpty());
}

TEST(EndpointSlices, ASliceMayHaveItsMostEndpointsAndNoMore) {
  for (const std::size_t extra : {0U, 1U}) {
    std::vector<json> many;
    for (std::size_t i = 0; i < EndpointSlices::kSliceEndpointsMax + extra; ++i) {
      many.push_back(endpoint("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)));
    }
    EndpointSlices slices = make();
    slices.upsert(slice("x", many));
    EXPECT_EQ(slices.addresses().size(), EndpointSlices::kSliceEndpointsMax);
    EXPECT_EQ(slices.slices_left_out(), extra);
  }
}

TEST(EndpointSlices, ThereMayBeTheirMostSlicesAndNoMore) {
  EndpointSlices slices = make();
  for (std::size_t i = 0; i < EndpointSlices::kSlicesMax; ++i) {
    slices.upsert(slice(std::to_string(i), {}));
  }
  EXPECT_EQ(slices.slices_left_out(), 0U);
  slices.upsert(slice("one more", {endpoint("10.0.0.1")}));
  EXPECT_EQ(slices.slices_left_out(), 1U);
  EXPECT_THAT(slices.addresses(), IsEmpty());
  slices.upsert(slice("7", {endpoint("10.0.0.7")}));  // known ones may still change
  EXPECT_THAT(slices.addresses(), ElementsAre("10.0.0.7:7400"));
}

}  // namespace
}  // namespace socketmesh::kube
