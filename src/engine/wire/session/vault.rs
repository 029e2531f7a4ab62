//! Registry credentials and build secrets, handed to the engine when it asks for one by name.
//!
//! Where the values come from is not known here. No debug text and no message contains one.

use crate::text::without_values;
use bollard::moby::buildkit::secrets::v1::secrets_server::Secrets as SecretsService;
use bollard::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard::moby::filesync::v1::auth_server::Auth;
use bollard::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// How to log in to a registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A name and a password or access token.
    Login {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// An identity token, as `docker login` stores it.
    IdentityToken(String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(hidden)")
    }
}

/// Finds logins by the name of a registry's host.
#[tonic::async_trait]
pub trait Lookup: fmt::Debug + Send + Sync {
    /// The login for a host; `None` for a host that needs none.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn find(&self, host: &str) -> Result<Option<Credential>, LookupError>;
}

/// Why a login could not be told: in words for people, without any value of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupError(pub String);

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LookupError {}

/// Where registry credentials are looked up, once the engine asks for one.
#[derive(Clone, Debug, Default)]
pub struct Credentials(Option<Arc<dyn Lookup>>);

impl Credentials {
    /// Credentials from there.
    pub fn from(lookup: impl Lookup + 'static) -> Self {
        Self(Some(Arc::new(lookup)))
    }
}

#[tonic::async_trait]
impl Auth for Credentials {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let found = match &self.0 {
            Some(lookup) => {
                let found = lookup.find(&request.get_ref().host).await;
                found.map_err(|why| Status::failed_precondition(why.0))?
            }
            None => None,
        };
        let (username, secret) = match found {
            Some(Credential::Login { user, password }) => (user, password),
            Some(Credential::IdentityToken(token)) => (String::new(), token),
            None => Default::default(),
        };
        Ok(Response::new(CredentialsResponse { username, secret }))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(no_tokens())
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(no_tokens())
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(no_tokens())
    }
}

/// The engine then asks for credentials, and fetches its tokens itself.
fn no_tokens() -> Status {
    Status::unimplemented("tokens are fetched by the engine")
}

/// Build secrets by id.
#[derive(Clone, Default)]
pub struct Secrets(HashMap<String, Vec<u8>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Ids and values.
    pub(in crate::engine) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(id, value)| (id.as_str(), value.as_slice()))
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A text with every value in it made unreadable.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        without_values(text, self.0.values().map(Vec::as_slice))
    }
}

impl FromIterator<(String, Vec<u8>)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

/// BuildKit's own limit for one secret.
const SECRET_LIMIT: usize = 500 * 1024;

#[tonic::async_trait]
impl SecretsService for Secrets {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        match self.0.get(id) {
            Some(data) if data.len() > SECRET_LIMIT => {
                Err(Status::invalid_argument(format!("secret {id} is larger than 500 KiB")))
            }
            Some(data) => Ok(Response::new(GetSecretResponse { data: data.clone() })),
            None => Err(Status::not_found(format!("secret {id}: not found"))),
        }
    }
}
