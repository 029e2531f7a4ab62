//! Registry credentials and build secrets, handed to the engine when it asks for one by name.
//!
//! Where the values come from is not known here. No debug text and no message contains one.

use bollard::moby::buildkit::secrets::v1::secrets_server::Secrets as SecretsService;
use bollard::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard::moby::filesync::v1::auth_server::Auth;
use bollard::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use std::collections::HashMap;
use std::fmt;
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

/// Credentials by registry host, as they are named in `~/.docker/config.json`.
#[derive(Clone, Default)]
pub struct Credentials(HashMap<String, Credential>);

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, Credential)> for Credentials {
    fn from_iter<I: IntoIterator<Item = (String, Credential)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Credentials {
    /// The host that the engine names may be stored under the older names of Docker Hub, or as an address.
    fn find(&self, host: &str) -> Option<&Credential> {
        let hub: &[&str] = match host {
            "registry-1.docker.io" | "docker.io" | "index.docker.io" => {
                &["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"]
            }
            _ => &[],
        };
        let addresses = [format!("https://{host}"), format!("http://{host}"), format!("https://{host}/")];
        std::iter::once(host)
            .chain(hub.iter().copied())
            .chain(addresses.iter().map(String::as_str))
            .find_map(|name| self.0.get(name))
    }
}

#[tonic::async_trait]
impl Auth for Credentials {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let (username, secret) = match self.find(&request.get_ref().host) {
            Some(Credential::Login { user, password }) => (user.clone(), password.clone()),
            Some(Credential::IdentityToken(token)) => (String::new(), token.clone()),
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
