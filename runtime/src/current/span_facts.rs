//! The values of a span from which its outcome, its name and its dependency are inferred.

use super::frame::StepExtras;
use crate::outcome::Category;
use crate::redact::shown::Redacted;

/// The values of a span from which its outcome, its name and its dependency are inferred.
#[derive(Debug, Default)]
pub(crate) struct SpanFacts {
    pub(crate) kind: Option<OtelKind>,
    /// The redacted values of fields with a role. A later value of a role replaces an earlier one.
    pub(crate) values: Vec<(FieldRole, Redacted<'static>)>,
    pub(crate) http_status: Option<u16>,
    pub(crate) grpc_status: Option<u16>,
    pub(crate) failure: Option<SpanFailure>,
    /// The fields of a request's span, as members. The lines inside do not have them.
    pub(crate) fields: String,
    /// Recorded fields, while the span is not entered.
    pub(super) extras: Option<Box<StepExtras>>,
}

/// The error of a span.
#[derive(Debug)]
pub(crate) struct SpanFailure {
    /// The name of the sign of the error, in place of the type of an error.
    pub(crate) evidence: &'static str,
    pub(crate) detail: Option<Redacted<'static>>,
    pub(crate) category: Option<Category>,
}

/// The `otel.kind` of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtelKind {
    Internal,
    Client,
    Producer,
    Server,
    Consumer,
}

/// The meaning of a field, by OpenTelemetry's conventions or by its common name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldRole {
    Name,
    Kind,
    StatusCode,
    StatusText,
    /// An error, with its text.
    Error,
    /// The text of an error, beside its other fields.
    ErrorText,
    ErrorType,
    Peer,
    Server,
    DbSystem,
    DbOperation,
    Messaging,
    RpcSystem,
    RpcService,
    RpcMethod,
    HttpMethod,
    /// `method`, which is the method of a request if there is also a path.
    Method,
    HttpStatus,
    /// `status`, which is the status of a request.
    Status,
    GrpcStatus,
    Route,
    Path,
    Url,
    RequestId,
}

impl FieldRole {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "otel.name" => FieldRole::Name,
            "otel.kind" => FieldRole::Kind,
            "otel.status_code" => FieldRole::StatusCode,
            "otel.status_description" | "otel.status_message" => FieldRole::StatusText,
            "error" | "err" | "exception" => FieldRole::Error,
            "exception.message" | "exception.details" => FieldRole::ErrorText,
            "exception.type" | "error.type" => FieldRole::ErrorType,
            "peer.service" => FieldRole::Peer,
            "server.address" | "net.peer.name" => FieldRole::Server,
            "db.system" | "db.system.name" => FieldRole::DbSystem,
            "db.operation" | "db.operation.name" => FieldRole::DbOperation,
            "messaging.system" => FieldRole::Messaging,
            "rpc.system" | "rpc.system.name" => FieldRole::RpcSystem,
            "rpc.service" => FieldRole::RpcService,
            "rpc.method" => FieldRole::RpcMethod,
            "http.method" | "http.request.method" => FieldRole::HttpMethod,
            "method" => FieldRole::Method,
            "http.status_code" | "http.response.status_code" => FieldRole::HttpStatus,
            "status" | "status_code" => FieldRole::Status,
            "rpc.grpc.status_code" => FieldRole::GrpcStatus,
            "http.route" | "url.template" => FieldRole::Route,
            "uri" | "path" | "http.target" | "http.uri" | "url.path" => FieldRole::Path,
            "url" | "url.full" | "http.url" => FieldRole::Url,
            "request_id" | "request.id" => FieldRole::RequestId,
            _ => return None,
        })
    }

    /// Whether a value of the field can make the span a call to a dependency.
    pub(crate) fn makes_call(self) -> bool {
        use FieldRole as Role;
        matches!(self, Role::Kind | Role::Peer | Role::DbSystem | Role::RpcSystem)
    }

    /// Whether the step's own members show the value, so that the field is left out of its line.
    pub(crate) fn is_own(self) -> bool {
        use FieldRole as Role;
        matches!(
            self,
            Role::Name
                | Role::Kind
                | Role::StatusCode
                | Role::StatusText
                | Role::Error
                | Role::ErrorText
                | Role::ErrorType
        )
    }
}

impl SpanFacts {
    /// Returns the value of the first of these roles that has one.
    pub(crate) fn first(&self, roles: &[FieldRole]) -> Option<&Redacted<'static>> {
        roles.iter().find_map(|role| {
            let value = self.values.iter().find(|(known, _)| known == role);
            value.map(|(_, value)| value)
        })
    }

    pub(crate) fn set(&mut self, role: FieldRole, value: Redacted<'static>) {
        match self.values.iter_mut().find(|(known, _)| *known == role) {
            Some((_, known)) => *known = value,
            None => self.values.push((role, value)),
        }
    }

    /// Sets the failure, unless one with a text is set already.
    pub(crate) fn fail(&mut self, failure: SpanFailure) {
        let has_text = self.failure.as_ref().is_some_and(|known| known.detail.is_some());
        if !has_text {
            self.failure = Some(failure);
        }
    }

    /// Whether no value has been read.
    pub(crate) fn is_empty(&self) -> bool {
        let SpanFacts { kind, values, http_status, grpc_status, failure, fields, extras } = self;
        kind.is_none()
            && values.is_empty()
            && (http_status.is_none() && grpc_status.is_none())
            && (failure.is_none() && extras.is_none())
            && fields.is_empty()
    }

    /// Whether the span is a call to a dependency.
    pub(crate) fn is_call(&self) -> bool {
        use FieldRole as Role;
        match self.kind {
            Some(OtelKind::Client | OtelKind::Producer) => true,
            Some(_) => false,
            None => self.first(&[Role::Peer, Role::DbSystem, Role::RpcSystem]).is_some(),
        }
    }
}
