//! Fixtures of the three shapes of section 1.2 (rate-limits API guide, its reference page, SDK types)
//! and of section 1.3, and polls against scripted answers.

mod polls;
mod shapes;

use super::{read, *};
use crate::api::connection::tests::connection;
use crate::domain::{
    id::GroupId,
    org::{GroupKind, Override},
};
use crate::net::transport::{Broken, Request, Response, Transport};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use serde_json::json;
use std::{collections::HashMap, sync::Mutex};
