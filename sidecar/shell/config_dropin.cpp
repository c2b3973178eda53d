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

class DropInReader {
 public:
  DropInReader(Reader& reader, const std::string& path, SidecarConfig& config)
      : reader_(reader), path_(path), config_(config), section_(reader.section("dropin")) {}

  void read() {
    const auto mode = section_.get_text("mode", parse_mode);
    const auto discovery = section_.get("discovery", parse_loopback);
    const auto tunnel = section_.get("tunnel", parse_loopback);
    const auto token_file = section_.get_text("tokenFile", parse_path);
    const auto advertise = section_.get_text("advertise", parse_host);
    const auto state = section_.get_text("state", parse_path);
    // Where every sidecar is told its pod's address by a variable, that alone asks for nothing.
    const bool wanted = section_.in_file() || mode.given || discovery.given || tunnel.given ||
                        token_file.given || state.given;
    if (!wanted) return;
    DropInConfig dropin;
    dropin.carry = !mode || *mode == "carry";
    store(discovery, dropin.discovery);
    store(tunnel, dropin.tunnel);
    store(advertise, dropin.advertise);
    store(token_file, dropin.token_file);
    store(state, dropin.state_file);
    read_token_file(token_file, dropin);
    place_state(dropin);
    check_collisions(discovery, dropin.discovery);
    check_collisions(tunnel, dropin.tunnel);
    check_collision(tunnel, dropin.tunnel, "dropin.discovery", dropin.discovery);
    config_.dropin = std::move(dropin);
  }

 private:
  template <typename T, typename Target>
  void store(const Setting<T>& setting, Target& target) {
    if (setting.given)
      config_.origins[setting.key] = setting.place.to_string() + ": " + setting.key;
    if (setting) target = *setting;
  }

  void read_token_file(const Setting<std::string>& setting, DropInConfig& dropin) {
    if (dropin.token_file.empty()) return;
    dropin.token_file = beside(path_, dropin.token_file);
    if (const auto token = read_token(dropin.token_file); !token)
      reader_.complain(setting, token.error());
  }

  void place_state(DropInConfig& dropin) const {
    const auto* socket = std::get_if<UnixEndpoint>(&config_.app.listen);
    if (!dropin.state_file.empty()) {
      dropin.state_file = beside(path_, dropin.state_file);
    } else if (socket != nullptr) {
      dropin.state_file = std::filesystem::path(socket->path).parent_path() / kStateName;
    }
  }

  void check_collisions(const Setting<TcpEndpoint>& setting, const TcpEndpoint& mine) {
    check_collision(setting, mine, "link.listen", config_.link.listen);
    check_collision(setting, mine, "admin.listen", config_.admin.listen);
    if (const auto* app = std::get_if<TcpEndpoint>(&config_.app.listen))
      check_collision(setting, mine, "app.listen", *app);
  }

  void check_collision(const Setting<TcpEndpoint>& setting, const TcpEndpoint& mine,
                       const std::string& key, const TcpEndpoint& other) {
    if (setting.given && !setting) return;  // it was reported
    if (!listeners_collide(mine, other)) return;
    reader_.complain(setting, in_quotes(mine.to_string()) + " collides with " + key + " (" +
                                  other.to_string() + ")");
  }

  Reader& reader_;
  const std::string& path_;
  SidecarConfig& config_;
  Section section_;
};

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

void read_dropin(Reader& reader, const std::string& path, SidecarConfig& config) {
  DropInReader(reader, path, config).read();
}

}  // namespace socketmesh::config
