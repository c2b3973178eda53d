#include "sidecar/shell/config.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "lib/base/text.hpp"
#include "lib/config/reader.hpp"
#include "lib/net/tls.hpp"
#include "sidecar/shell/config_dropin.hpp"
#include "sidecar/shell/config_values.hpp"

namespace socketmesh::config {
namespace {

constexpr milliseconds kTimeoutMin{100};
constexpr milliseconds kTimeoutMax = std::chrono::minutes(10);
constexpr milliseconds kWindowMin{1'000};
constexpr milliseconds kHoldMax = std::chrono::hours(1);

std::optional<net::TlsError> check_certificates(const net::TlsFiles& files) {
  const auto pem = net::read_tls_files(files);
  if (!pem) return pem.error();
  const auto context = net::make_tls_context(files, *pem);
  return context ? std::nullopt : std::optional(context.error());
}

// Reads one file into one SidecarConfig; a member function a section, then the cross-checks.
class Loader {
 public:
  Loader(Reader reader, std::string path, std::string hostname)
      : reader_(std::move(reader)), path_(std::move(path)), hostname_(std::move(hostname)) {}

  Expected<SidecarConfig, Problems> load() {
    if (!reader_.readable()) return Unexpected{reader_.finish()};
    read_app();
    read_link();
    read_mesh();
    read_admin();
    read_log();
    read_discovery();
    read_tls();
    read_recovery();
    read_dropin(reader_, path_, config_);
    check_collisions();
    check_plain();
    auto problems = reader_.finish();
    if (!problems.empty()) return Unexpected{std::move(problems)};
    return std::move(config_);
  }

 private:
  // Notes where a value came from, and stores it when it is good.
  template <typename T, typename Target>
  void store(const Setting<T>& setting, Target& target) {
    if (setting.given) {
      config_.origins[setting.key] = setting.place.to_string() + ": " + setting.key;
    }
    if (setting) target = *setting;
  }

  void read_mesh() {
    Section mesh = reader_.section("mesh");
    const auto name = mesh.get_text("name", parse_mesh_name);
    mesh.require(name, "write for example mesh: {name: chat}");
    store(name, config_.mesh.name);
    const auto id = mesh.get_text("id", parse_mesh_id);
    store(id, config_.mesh.id);
    if (id.given) return;
    if (config_.link.listen.port == 0) {
      reader_.complain(mesh.place(), "mesh.id", "is needed where link.listen has port 0");
      return;
    }
    const auto fallback = parse_mesh_id(hostname_ + "/" + config_.link.listen.to_string());
    if (fallback) {
      config_.mesh.id = *fallback;
    } else {
      reader_.complain(mesh.place(), "mesh.id", "is needed, as by default " + fallback.error());
    }
  }

  void read_app() {
    Section app = reader_.section("app");
    app_listen_ = app.get("listen", parse_app_listen);
    store(app_listen_, config_.app.listen);
    store(app.get("queue", parse_memory), config_.app.queue_bytes);
  }

  void read_link() {
    Section link = reader_.section("link");
    link_listen_ = link.get("listen", parse_tcp_endpoint);
    store(link_listen_, config_.link.listen);
    store(link.get("window", parse_memory), config_.link.window_bytes);
    store(link.get("hold", duration_between(kTimeoutMin, kHoldMax)), config_.link.hold);
    store(link.get("peer_timeout", duration_between(kTimeoutMin, kTimeoutMax)),
          config_.link.peer_timeout);
    store(link.get("idle_timeout", duration_between(kTimeoutMin, kTimeoutMax)),
          config_.link.idle_timeout);
  }

  void read_admin() {
    Section admin = reader_.section("admin");
    admin_listen_ = admin.get("listen", parse_tcp_endpoint);
    store(admin_listen_, config_.admin.listen);
  }

  void read_log() {
    Section log = reader_.section("log");
    store(log.get("level", parse_level), config_.log.level);
    store(log.get("format", parse_format), config_.log.format);
  }

  void read_discovery() {
    Section discovery = reader_.section("discovery");
    const auto peers = discovery.get_list("static", parse_peer);
    const auto dns = discovery.get("dns", parse_peer);
    const auto interval = discovery.get("interval", duration_between(kTimeoutMin, kTimeoutMax));
    const auto kubernetes = read_kubernetes(discovery.section("kubernetes"));
    check_one_discovery(peers, dns, kubernetes);
    if (!dns.given && !kubernetes.given) {
      discovery.require(peers, "discovery needs exactly one of static, dns and kubernetes");
    }
    if (interval.given && (peers.given || kubernetes.given) && !dns.given) {
      reader_.complain(interval, "only goes with discovery.dns");
    }
    if (peers) {
      StaticDiscovery discovered;
      for (const auto& peer : *peers) discovered.peers.push_back(*peer);
      store(peers, peers_);
      check_twins(*peers);
      config_.discovery = std::move(discovered);
    } else if (dns) {
      DnsDiscovery discovered;
      store(dns, discovered.name);
      store(interval, discovered.interval);
      dns_ = dns;
      config_.discovery = std::move(discovered);
    } else if (kubernetes.given) {
      kubernetes_ = kubernetes;
      config_.discovery = *kubernetes;
    }
  }

  // The section as one value. Reports what is wrong inside it; `given` when it is meant at all.
  Setting<KubernetesDiscovery> read_kubernetes(Section section) {
    KubernetesDiscovery discovered;
    const auto name = section.get_text("namespace", parse_namespace);
    const auto service = section.get_text("service", parse_service);
    const auto account = section.get_text("account", parse_account);
    Setting<KubernetesDiscovery> setting{{}, section.place(), "discovery.kubernetes", false};
    setting.given = section.in_file() || name.given || service.given || account.given;
    if (!setting.given) return setting;
    section.require(service, "write for example kubernetes: {service: chat-mesh}");
    store(name, discovered.space);
    store(service, discovered.service);
    store(account, discovered.account);
    setting.value = std::move(discovered);
    return setting;
  }

  // Those that are given beyond the first.
  template <typename... Settings>
  void check_one_discovery(const Settings&... settings) {
    std::string first;
    const auto check = [&](const auto& setting) {
      if (!setting.given) return;
      if (first.empty()) {
        first = setting.key + " (" + setting.place.to_string() + ")";
      } else {
        reader_.complain(setting, "cannot stand beside " + first + "; exactly one is needed");
      }
    };
    (check(settings), ...);
  }

  void check_twins(const std::vector<Setting<TcpEndpoint>>& peers) {
    std::set<TcpEndpoint> seen;
    for (const auto& peer : peers) {
      if (seen.insert(*peer).second) continue;
      reader_.complain(peer, in_quotes(peer->to_string()) + " is listed twice");
    }
  }

  void read_tls() {
    Section tls = reader_.section("tls");
    const std::array settings = {tls.get_text("ca", parse_path), tls.get_text("cert", parse_path),
                                 tls.get_text("key", parse_path)};
    const bool wanted = tls.in_file() || std::any_of(settings.begin(), settings.end(),
                                                     [](const auto& s) { return s.given; });
    if (!wanted) return;
    std::array<std::string, 3> files;
    for (std::size_t i = 0; i < settings.size(); ++i) {
      tls.require(settings[i], "tls needs ca, cert and key");
      store(settings[i], files[i]);
      files[i] = (std::filesystem::absolute(path_).parent_path() / files[i]).lexically_normal();
    }
    config_.tls = net::TlsFiles{files[0], files[1], files[2]};
    if (!std::all_of(settings.begin(), settings.end(), [](const auto& s) { return bool(s); })) {
      return;
    }
    const auto problem = check_certificates(*config_.tls);
    if (problem) reader_.complain(settings.at(std::size_t(problem->file)), problem->message);
  }

  void read_recovery() {
    Section recovery = reader_.section("recovery");
    const auto window = recovery.get("window", duration_between(kWindowMin, kHoldMax));
    const auto memory = recovery.get("memory", parse_memory);
    const auto replicas = recovery.get("replicas", parse_replicas);
    const auto node = recovery.get_text("node", parse_node_name);
    if (!recovery.in_file() && !window.given && !memory.given && !replicas.given) return;
    RecoveryConfig wanted;
    store(window, wanted.window);
    store(memory, wanted.memory_bytes);
    store(replicas, wanted.replicas);
    store(node, wanted.node);
    config_.recovery = wanted;
  }

  void check_collisions() {
    if (usable(admin_listen_) && usable(link_listen_)) {
      check_collision(admin_listen_, config_.admin.listen, "link.listen", config_.link.listen);
    }
    const auto* app = std::get_if<TcpEndpoint>(&config_.app.listen);
    if (app == nullptr) return;
    if (usable(link_listen_)) {
      check_collision(app_listen_, *app, "link.listen", config_.link.listen);
    }
    if (usable(admin_listen_)) {
      check_collision(app_listen_, *app, "admin.listen", config_.admin.listen);
    }
  }

  // A default, or a good value; wrong ones were reported.
  template <typename T>
  static bool usable(const Setting<T>& setting) {
    return !setting.given || setting;
  }

  template <typename T>
  void check_collision(const Setting<T>& setting, const TcpEndpoint& mine, const char* other_key,
                       const TcpEndpoint& other) {
    if (!listeners_collide(mine, other)) return;
    reader_.complain(setting, in_quotes(mine.to_string()) + " collides with " + other_key + " (" +
                                  other.to_string() + ")");
  }

  // Without certificates anyone who reaches a link is a peer.
  void check_plain() {
    constexpr std::string_view kAdvice =
        "add the tls section (ca, cert, key), or keep to loopback addresses such as 127.0.0.1";
    if (!config_.loopback_only()) return;
    const auto check = [&](const auto& setting, const TcpEndpoint& endpoint) {
      if (endpoint.is_loopback()) return;
      reader_.complain(setting, in_quotes(endpoint.to_string()) +
                                    " is not loopback, and links without tls are plain text; " +
                                    std::string(kAdvice));
    };
    if (usable(link_listen_)) check(link_listen_, config_.link.listen);
    for (const auto& peer : peers_) check(peer, *peer);
    if (kubernetes_.given) {
      reader_.complain(kubernetes_,
                       "finds peers in other pods, and links without tls are plain text; add the "
                       "tls section (ca, cert, key)");
    }
    // What a name resolves to is checked when it is dialled.
    if (dns_ && dns_->is_address()) check(dns_, *dns_);
  }

  Reader reader_;
  std::string path_;
  std::string hostname_;
  SidecarConfig config_;

  // Kept for the cross-checks.
  Setting<Endpoint> app_listen_;
  Setting<TcpEndpoint> link_listen_;
  Setting<TcpEndpoint> admin_listen_;
  Setting<TcpEndpoint> dns_;
  Setting<KubernetesDiscovery> kubernetes_;
  std::vector<Setting<TcpEndpoint>> peers_;
};

}  // namespace

std::string SidecarConfig::origin(std::string_view key) const {
  const auto found = origins.find(key);
  return found != origins.end() ? found->second : std::string(key) + " (default)";
}

Expected<SidecarConfig, Problems> load_sidecar_config(const std::string& path,
                                                      const Environment& environment,
                                                      const std::string& hostname) {
  return Loader(Reader::from_file(path, environment), path, hostname).load();
}

Expected<SidecarConfig, Problems> parse_sidecar_config(const std::string& path,
                                                       std::string_view text,
                                                       const Environment& environment,
                                                       const std::string& hostname) {
  return Loader(Reader::from_text(path, text, environment), path, hostname).load();
}

}  // namespace socketmesh::config
