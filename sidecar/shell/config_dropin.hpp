// The dropin section of the configuration. Both its ports carry what apps say without encryption or
// proof of who they are, so nothing but loopback is accepted.
#pragma once

#include <map>
#include <string>

#include "lib/config/reader.hpp"
#include "sidecar/shell/config.hpp"

namespace socketmesh::config {

// Bytes of a token, a line break at its end left out.
inline constexpr std::size_t kTokenBytesMax = 4096;

// The token in `file`; the error says what is wrong with the file, never what is in it.
Expected<std::string> read_token(const std::string& file);

class DropInReader {
 public:
  // Relative paths are relative to the folder of `path`.
  DropInReader(Reader& reader, std::string path);

  // Whether the section, or a variable of it, is there.
  [[nodiscard]] bool wanted() const { return wanted_; }
  // Reports what is wrong. The state is kept beside the app's socket unless a file is given.
  DropInConfig read(const Endpoint& app);
  // Where its values came from, as SidecarConfig::origins has it.
  [[nodiscard]] const std::map<std::string, std::string>& places() const { return places_; }
  // Reports when a port of it cannot stand beside `other`, the value of `key`.
  void check_collision(const std::string& key, const TcpEndpoint& other);

 private:
  template <typename T, typename Target>
  void store(const Setting<T>& setting, Target& target);
  void check(const Setting<TcpEndpoint>& setting, const TcpEndpoint& mine, const std::string& key,
             const TcpEndpoint& other);

  Reader& reader_;
  std::string path_;
  Section section_;
  Setting<std::string> mode_;
  Setting<TcpEndpoint> discovery_;
  Setting<TcpEndpoint> tunnel_;
  Setting<std::string> token_file_;
  Setting<std::string> advertise_;
  Setting<std::string> state_;
  DropInConfig config_;
  std::map<std::string, std::string> places_;
  bool wanted_ = false;
};

}  // namespace socketmesh::config
