//! Files of a project as a git repository has them: found, fetched, and written to a folder of the caller's.
//! A user's work tree and index are never written to: blobs are read from the object store.
//!
//! What is on this machine is read with libgit2. What is not, the installed `git` fetches: it knows the user's keys,
//! credential helpers, proxies and certificates, and libgit2's own transports would bring OpenSSL and libssh2 along.

mod address;
mod git_error;
mod repository;
mod write_tree;

pub use address::{AddressError, check, is_url};
pub use git_error::GitError;
pub use repository::{Repository, branches};
pub use write_tree::{Remarks, missing_in};
