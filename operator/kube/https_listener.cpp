#include "operator/kube/https_listener.hpp"

#include <utility>

#include "operator/kube/https_hub.hpp"

namespace socketmesh::op::kube {

HttpsListener::HttpsListener(const obs::Logger& logger, HttpsLimits limits)
    : hub_(std::make_shared<HttpsHub>(logger, limits)) {}

HttpsListener::~HttpsListener() {
  close(std::chrono::milliseconds(0));
}

void HttpsListener::post(std::string path, Handler handler) {
  hub_->post(std::move(path), std::move(handler));
}

Expected<void> HttpsListener::set_certificate(const ServerCertificate& certificate) {
  return hub_->set_certificate(certificate);
}

Expected<void> HttpsListener::listen(const TcpEndpoint& endpoint) {
  return hub_->listen(endpoint);
}

std::uint16_t HttpsListener::port() const {
  return hub_->port();
}

HttpsStats HttpsListener::stats() const {
  return hub_->stats();
}

std::size_t HttpsListener::connections() const {
  return hub_->connections();
}

void HttpsListener::close(std::chrono::milliseconds grace) {
  hub_->close(grace);
}

}  // namespace socketmesh::op::kube
