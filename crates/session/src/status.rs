//! What callers are told when something is refused: the one place where refusals become codes of gRPC. The protocol file
//! lists the codes.

use control::{
    Failure, Unavailable,
    fleet::{Ended, FollowError},
};
use model::{
    Refusal,
    refusal::{CertificateFault, TokenFault},
};
use protocol::Malformed;
use tonic::{Code, Status};

use crate::{belongings::Foreign, request::RequestFault};

/// Why a host does not become a node, beside what the model says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinFault {
    #[error("the token is not one: NODE.SECRET.AUTHORITY, as CreateNodeToken answered it")]
    Token,
    #[error(
        "the token is another control plane's, or older than its authority: ask this one for another with CreateNodeToken"
    )]
    OtherAuthority,
    #[error("a host's name has 1 to 64 letters, digits, `-` and `.`, and this is none: {0:?}")]
    HostName(String),
    #[error("an edge site is named by up to 64 characters")]
    Region,
    #[error("{0}")]
    Request(#[from] RequestFault),
}

impl JoinFault {
    pub(crate) fn status(&self) -> Status {
        let code = match self {
            Self::OtherAuthority => Code::Unauthenticated,
            Self::Token | Self::HostName(_) | Self::Region | Self::Request(_) => Code::InvalidArgument,
        };
        Status::new(code, self.to_string())
    }
}

/// What a host or node is told of a change that was not made.
pub(crate) fn of_failure(failure: &Failure) -> Status {
    match failure {
        Failure::Refused(refusal) => of_refusal(refusal),
        Failure::NotDurable | Failure::Stopping => {
            Status::unavailable(format!("{failure}; try again in a moment"))
        }
        Failure::Overloaded => Status::resource_exhausted(format!("{failure}; try again in a moment")),
        Failure::Unknown => Status::aborted(
            "it is not known whether the change was made; try again, and if the token is used by then, ask for another",
        ),
    }
}

fn of_refusal(refusal: &Refusal) -> Status {
    let (code, advice) = match refusal {
        // That there is no such node is told in the same words: who has no token learns nothing of nodes.
        Refusal::NodeNotFound | Refusal::NodeToken(TokenFault::Unknown) => {
            let unknown = Refusal::NodeToken(TokenFault::Unknown);
            let advice = "a newer one may have been made; ask for another with CreateNodeToken";
            return Status::unauthenticated(format!("{unknown}; {advice}"));
        }
        Refusal::NodeToken(fault) => token(*fault),
        Refusal::NodeCertificate(CertificateFault::NotGood) => {
            (Code::Unauthenticated, "join again with a new token: CreateNodeToken with the NodeId")
        }
        Refusal::NodeCertificate(_) => (Code::InvalidArgument, "ask for another certificate"),
        _ => (Code::InvalidArgument, "change what was asked for"),
    };
    Status::new(code, format!("{refusal}; {advice}"))
}

fn token(fault: TokenFault) -> (Code, &'static str) {
    match fault {
        TokenFault::Unknown => (Code::Unauthenticated, "ask for another with CreateNodeToken"),
        TokenFault::Used => {
            (Code::AlreadyExists, "a token is for one host, once; ask for another with CreateNodeToken")
        }
        TokenFault::Expired => (Code::FailedPrecondition, "ask for another with CreateNodeToken"),
        TokenFault::Region => (
            Code::OutOfRange,
            "take the token of a node at this host's edge site, or join without naming one",
        ),
        TokenFault::Name => (
            Code::PermissionDenied,
            "join with the name that CreateNodeToken was given, or take the token of this host's node",
        ),
    }
}

/// A node that shows no certificate, or one that is not good.
pub(crate) fn no_certificate() -> Status {
    Status::unauthenticated(
        "this needs the certificate of a node, and there was none, or one that is not good any more; show the one that \
         the node had before, or join again with a new token",
    )
}

pub(crate) fn expired() -> Status {
    Status::unauthenticated(
        "the certificate has expired; connect with the newer one, or join again with a new token",
    )
}

pub(crate) fn stopping() -> Status {
    Status::unavailable("the server is stopping; connect again")
}

pub(crate) fn of_unavailable(unavailable: Unavailable) -> Status {
    Status::unavailable(format!("{unavailable}; try again in a moment"))
}

pub(crate) fn of_follow_error(error: FollowError) -> Status {
    match error {
        FollowError::Stopping => stopping(),
        FollowError::NotFound | FollowError::Certificate => no_certificate(),
    }
}

pub(crate) fn of_ended(ended: Ended) -> Status {
    match ended {
        Ended::Replaced => Status::aborted(format!("{ended}; one agent alone may run for a node")),
        Ended::Revoked => {
            let advice = "connect with the newer certificate, or join again with a new token";
            Status::unauthenticated(format!("{ended}; {advice}"))
        }
        Ended::Deleted => Status::not_found(format!("{ended}; join as another one with a new token")),
        Ended::Stopping => stopping(),
    }
}

pub(crate) fn of_malformed(malformed: &Malformed) -> Status {
    Status::invalid_argument(format!("malformed message: {malformed}"))
}

pub(crate) fn of_foreign(foreign: &Foreign) -> Status {
    Status::permission_denied(foreign.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_of_a_token_has_a_code_of_its_own_and_says_what_to_do() {
        let faults = [
            TokenFault::Unknown,
            TokenFault::Used,
            TokenFault::Expired,
            TokenFault::Region,
            TokenFault::Name,
        ];
        let statuses = faults.map(|fault| of_failure(&Failure::Refused(Refusal::NodeToken(fault))));
        let codes: BTreeSet<i32> = statuses.iter().map(|status| status.code().into()).collect();
        assert_eq!(codes.len(), faults.len());
        for status in statuses {
            assert!(status.message().contains("oken") && status.message().contains("; "), "{status:?}");
        }
    }

    #[test]
    fn whether_a_node_exists_is_not_told_to_who_has_no_token_of_it() {
        let told = |refusal| of_failure(&Failure::Refused(refusal));
        let (one, other) = (told(Refusal::NodeNotFound), told(Refusal::NodeToken(TokenFault::Unknown)));
        assert_eq!((one.code(), one.message()), (other.code(), other.message()));
    }
}
