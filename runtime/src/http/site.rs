//! Call sites of the lines that the HTTP layer and its clients write.

use crate::site::event_sites;

event_sites! {
    pub(super) STARTED = "request_started" DEBUG "http"
        [query headers content_type content_length client_request_id];
    pub(super) COMPLETED = "request_completed" INFO "http"
        [status grpc_status duration_ms outcome content_type response_bytes route steps dependency_calls dependency_ms
         retries slowest_step cause lines_suppressed lines_sampled_away lines_recorded lines_recorded_lost
         client_request_id lines_left_out step_own_ms dependencies wide_fields_dropped].uncapped();
    pub(super) DEBUG_RAISED = "debug_raised" INFO "http" [levels lines].uncapped();
    pub(super) NO_PEER = "peer_unknown" WARN "http" [detail];
    pub(super) STUCK = "request_stuck" WARN "http" [age_ms open];
    #[cfg(any(feature = "reqwest_0_12", feature = "reqwest_0_13"))]
    pub(super) REDIRECTED = "redirect_followed" WARN "http" [url detail];
}
