#include "sidecar/dropin/websocket/upgrade.hpp"

#include <openssl/evp.h>

#include <array>
#include <utility>  // before Asio 1.74, which forgets it
//
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "lib/base/assert.hpp"
#include "lib/base/base64.hpp"

namespace socketmesh::dropin::ws {

namespace {

namespace http = boost::beast::http;
using Is = UpgradeRequest::Is;

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyBytes = 16;

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + std::string(kGuid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  SM_ASSERT(done == 1);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool has_token(boost::beast::string_view list, const char* token) {
  return http::token_list(list).exists(token);
}

// Feeds `bytes` to a parser; kGood when the head is whole.
template <typename Parser>
Is parse(Parser& parser, Bytes bytes, std::size_t& used) {
  parser.header_limit(kUpgradeBytesMax);
  boost::system::error_code error;
  used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error == http::error::need_more)
    return bytes.size() < kUpgradeBytesMax ? Is::kPartial : Is::kBad;
  if (error) return Is::kBad;
  return parser.is_header_done() ? Is::kGood : Is::kPartial;
}

UpgradeRequest bad(UpgradeRequest request, int status, std::string problem) {
  request.is = Is::kBad;
  request.status = status;
  request.problem = std::move(problem);
  return request;
}

}  // namespace

UpgradeRequest read_request(Bytes bytes) {
  UpgradeRequest request;
  http::request_parser<http::empty_body> parser;
  request.is = parse(parser, bytes, request.used);
  if (request.is == Is::kPartial) return request;
  if (request.is == Is::kBad) return bad(std::move(request), 400, "not an HTTP request");
  const auto& head = parser.get();
  const auto upgrade = head[http::field::upgrade];
  if (head.method() != http::verb::get || head.version() < 11 || !has_token(upgrade, "websocket") ||
      !has_token(head[http::field::connection], "upgrade")) {
    return bad(std::move(request), 426, "this port speaks WebSocket");
  }
  if (head.count(http::field::origin) > 0)
    return bad(std::move(request), 403, "web pages have no business here");
  if (head[http::field::sec_websocket_version] != "13")
    return bad(std::move(request), 426, "only WebSocket version 13 is spoken");
  request.key = view(head[http::field::sec_websocket_key]);
  const auto decoded = base64_decode(request.key);
  if (!decoded || decoded->size() != kKeyBytes)
    return bad(std::move(request), 400, "no proper Sec-WebSocket-Key");
  request.target = view(head.target());
  return request;
}

std::string accept_response(std::string_view key) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         accept_of(key) + "\r\n\r\n";
}

std::string refuse_response(int status, std::string_view text) {
  std::string response = "HTTP/1.1 " + std::to_string(status) + " ";
  response += view(http::obsolete_reason(static_cast<http::status>(status)));
  response += "\r\nContent-Type: text/plain\r\nConnection: close\r\n";
  if (status == 426) response += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  response += "Content-Length: " + std::to_string(text.size() + 1) + "\r\n\r\n";
  response += text;
  response += "\n";
  return response;
}

std::string key_of(Bytes nonce) {
  return base64_encode({reinterpret_cast<const char*>(nonce.data()), nonce.size()});
}

std::string request(std::string_view host, std::string_view target, std::string_view key) {
  std::string text = "GET ";
  text += target;
  text += " HTTP/1.1\r\nHost: ";
  text += host;
  text += "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  text += "Sec-WebSocket-Key: ";
  text += key;
  text += "\r\n\r\n";
  return text;
}

UpgradeResponse read_response(Bytes bytes, std::string_view key) {
  UpgradeResponse response;
  http::response_parser<http::empty_body> parser;
  parser.skip(true);  // no body follows, whatever the head says
  response.is = parse(parser, bytes, response.used);
  if (response.is == Is::kPartial) return response;
  const auto& head = parser.get();
  if (response.is == Is::kBad) {
    response.problem = "it does not answer in HTTP";
  } else if (head.result_int() != 101) {
    response.problem = "it answers " + std::to_string(head.result_int());
  } else if (!has_token(head[http::field::upgrade], "websocket") ||
             view(head[http::field::sec_websocket_accept]) != accept_of(key)) {
    response.problem = "it does not answer as a WebSocket";
  } else {
    return response;
  }
  response.is = Is::kBad;
  return response;
}

}  // namespace socketmesh::dropin::ws
