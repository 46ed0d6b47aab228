//! Names that come from the wire or from configuration, each a type of its own.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// An organization's uuid, as `/organizations/me` and `anthropic-organization-id` give it.
    OrganizationId
}
name! {
    /// A workspace, `wrkspc_…`. The default workspace has none.
    WorkspaceId
}
name! {
    /// A pool: `group.id` (`rlg_…`, the same in every organization), else one derived from its members.
    GroupId
}
name! {
    /// A model id or alias, as it is written in a request.
    ModelId
}
name! {
    /// `req_…`, from the `request-id` header or the body of an error.
    RequestId
}
name! {
    /// A limiter's `type`, an open set: `requests_per_minute`, `fast_otpm`, …
    Limiter
}
name! {
    /// Whose call it is: `me`, a make-believe client of the demo, later a user agent of the tap.
    ClientId
}

/// One logical call, however many attempts it takes. Unique in one run of the program.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct CallId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A model id without its date: `claude-haiku-4-5` of `claude-haiku-4-5-20251001`; none where it has none.
pub fn undated(model: &str) -> Option<&str> {
    let (name, date) = model.rsplit_once('-')?;
    (date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}
