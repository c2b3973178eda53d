#include "operator/control/events.hpp"

#include "operator/control/clock.hpp"

namespace socketmesh::op::control {
namespace {

Api::Result write(Api& api, const plan::Event& event, const plan::EventLog::Action& action,
                  const std::string& instance) {
  const nlohmann::json object = plan::event_json(event, action.name, instance, unix_now());
  if (action.kind == plan::EventLog::Kind::kCreate) return api.create(object);
  const kube::ObjectRef ref{kube::kEvents, object["metadata"]["namespace"], action.name};
  return api.merge_patch(ref, plan::series_json(action.count, unix_now()));
}

}  // namespace

void Events::tell(Api& api, const plan::Event& event) {
  plan::EventLog::Action action;
  {
    const std::lock_guard lock(mutex_);
    action = log_.tell(event, mono_now(), unix_now());
  }
  if (action.kind == plan::EventLog::Kind::kDrop) return;
  const auto done = write(api, event, action, instance_);
  const std::lock_guard lock(mutex_);
  if (done) {
    ++written_;
    return;
  }
  ++failed_;
  log_.forget(event);
  logger_.debug("event not written",
                {{"reason", event.reason}, {"error", done.error().to_string()}});
}

Events::Stats Events::stats() const {
  const std::lock_guard lock(mutex_);
  return {written_, failed_, log_.dropped()};
}

}  // namespace socketmesh::op::control
