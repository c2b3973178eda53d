#include "sidecar/shell/config_dropin.hpp"

#include <filesystem>
#include <fstream>
#include <utility>

#include "lib/base/text.hpp"
#include "sidecar/shell/config_values.hpp"

namespace socketmesh::config {
namespace {

constexpr std::string_view kStateName = "dropin.state";

Expected<std::string> parse_mode(std::string_view text) {
  if (text == "carry" || text == "direct") return std::string(text);
  return Unexpected{in_quotes(text) + " is no mode; carry or direct"};
}

Expected<TcpEndpoint> parse_loopback(std::string_view text) {
  auto endpoint = parse_tcp_endpoint(text);
  if (!endpoint || endpoint->is_loopback()) return endpoint;
  return Unexpected{in_quotes(text) + " is reachable from elsewhere, and what apps say there is " +
                    "plain text; use a loopback address such as 127.0.0.1"};
}

Expected<std::string> parse_host(std::string_view text) {
  // With any port, so that the rules for hosts are those of addresses.
  const bool v6 = text.find(':') != std::string_view::npos && !text.starts_with('[');
  const std::string host = v6 ? "[" + std::string(text) + "]" : std::string(text);
  const auto endpoint = parse_tcp_endpoint(host + ":1");
  if (!endpoint) return Unexpected{in_quotes(text) + " is no host"};
  return endpoint->host;
}

std::string beside(const std::string& path, const std::string& file) {
  return (std::filesystem::absolute(path).parent_path() / file).lexically_normal();
}

}  // namespace

Expected<std::string> read_token(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Unexpected{file + " cannot be read"};
  std::string token(kTokenBytesMax + 2, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(in.gcount()));
  if (token.ends_with('\n')) token.pop_back();
  if (token.ends_with('\r')) token.pop_back();
  if (token.empty()) return Unexpected{file + " is empty"};
  if (token.size() > kTokenBytesMax)
    return Unexpected{file + " is longer than " + std::to_string(kTokenBytesMax) + " bytes"};
  return token;
}

DropInReader::DropInReader(Reader& reader, std::string path)
    : reader_(reader),
      path_(std::move(path)),
      section_(reader.section("dropin")),
      mode_(section_.get_text("mode", parse_mode)),
      discovery_(section_.get("discovery", parse_loopback)),
      tunnel_(section_.get("tunnel", parse_loopback)),
      token_file_(section_.get_text("tokenFile", parse_path)),
      advertise_(section_.get_text("advertise", parse_host)),
      state_(section_.get_text("state", parse_path)) {
  // Where a pod's address is known to every sidecar by a variable, that alone asks for nothing.
  wanted_ = section_.in_file() || mode_.given || discovery_.given || tunnel_.given ||
            token_file_.given || state_.given;
}

template <typename T, typename Target>
void DropInReader::store(const Setting<T>& setting, Target& target) {
  if (setting.given) places_[setting.key] = setting.place.to_string() + ": " + setting.key;
  if (setting) target = *setting;
}

DropInConfig DropInReader::read(const Endpoint& app) {
  store(discovery_, config_.discovery);
  store(tunnel_, config_.tunnel);
  store(token_file_, config_.token_file);
  store(advertise_, config_.advertise);
  store(state_, config_.state_file);
  config_.carry = !mode_ || *mode_ == "carry";
  if (!config_.token_file.empty()) {
    config_.token_file = beside(path_, config_.token_file);
    if (const auto token = read_token(config_.token_file); !token)
      reader_.complain(token_file_, token.error());
  }
  const auto* socket = std::get_if<UnixEndpoint>(&app);
  if (!config_.state_file.empty()) {
    config_.state_file = beside(path_, config_.state_file);
  } else if (socket != nullptr) {
    config_.state_file = std::filesystem::path(socket->path).parent_path() / kStateName;
  }
  check(tunnel_, config_.tunnel, "dropin.discovery", config_.discovery);
  return config_;
}

void DropInReader::check(const Setting<TcpEndpoint>& setting, const TcpEndpoint& mine,
                         const std::string& key, const TcpEndpoint& other) {
  if (setting.given && !setting) return;  // it was reported
  if (!listeners_collide(mine, other)) return;
  reader_.complain(setting, in_quotes(mine.to_string()) + " collides with " + key + " (" +
                                other.to_string() + ")");
}

void DropInReader::check_collision(const std::string& key, const TcpEndpoint& other) {
  check(discovery_, config_.discovery, key, other);
  check(tunnel_, config_.tunnel, key, other);
}

}  // namespace socketmesh::config
