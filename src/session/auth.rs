//! Logging in: keys of files and of the agent, then the password, where there is one.

use super::keys::KeyRing;
use super::limits::{AUTH_ROUNDS_MAX, AUTH_TRIES_MAX};
use super::line::Handler;
use halite_roster::{Host, Identity, Secret};
use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg};

/// What was tried so far, for the message when all of it failed.
struct Attempt<'a> {
    host: &'a Host,
    tries: usize,
    tried: Vec<String>,
    /// What the host would still take; `None` before it said so.
    accepted: Option<Vec<MethodKind>>,
}

/// Logs in as the roster says: its identities in order, then its password.
///
/// A password is sent at most once per method, and only to hosts whose key was trusted.
///
/// # Errors
/// One line: what was tried, and what the host would take.
pub async fn log_in(line: &mut Handle<Handler>, host: &Host, keys: &KeyRing) -> Result<(), String> {
    let mut attempt = Attempt { host, tries: 0, tried: Vec::new(), accepted: None };
    for identity in &host.identities {
        let entered = match identity {
            Identity::File(path) => match keys.load(path, host.priv_passwd.as_ref()).await {
                Ok(key) => attempt.with_key(line, &path.display().to_string(), key).await?,
                Err(why) => attempt.note(why),
            },
            Identity::Agent => attempt.with_agent(line).await?,
        };
        if entered {
            return Ok(());
        }
    }
    if let Some(password) = &host.passwd
        && attempt.with_password(line, password).await?
    {
        return Ok(());
    }
    Err(attempt.failure())
}

impl Attempt<'_> {
    fn note(&mut self, what: impl Into<String>) -> bool {
        self.tried.push(what.into());
        false
    }

    fn may_try(&self, method: MethodKind) -> bool {
        self.tries < AUTH_TRIES_MAX
            && self.accepted.as_ref().is_none_or(|accepted| accepted.contains(&method))
    }

    fn is_in(&mut self, result: AuthResult) -> bool {
        self.tries += 1;
        match result {
            AuthResult::Success => true,
            AuthResult::Failure { remaining_methods, .. } => {
                self.accepted = Some(remaining_methods.iter().copied().collect());
                false
            }
        }
    }

    async fn with_key(
        &mut self,
        line: &mut Handle<Handler>,
        name: &str,
        key: std::sync::Arc<russh::keys::PrivateKey>,
    ) -> Result<bool, String> {
        for hash in hashes(line, key.algorithm().is_rsa()).await? {
            if !self.may_try(MethodKind::PublicKey) {
                return Ok(self.note(format!("{name} (not offered)")));
            }
            let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
            let result =
                line.authenticate_publickey(&self.host.user, key).await.map_err(|e| e.to_string())?;
            if self.is_in(result) {
                return Ok(true);
            }
        }
        Ok(self.note(format!("key {name}")))
    }

    async fn with_agent(&mut self, line: &mut Handle<Handler>) -> Result<bool, String> {
        let mut agent = match AgentClient::connect_env().await {
            Ok(agent) => agent,
            Err(error) => return Ok(self.note(format!("no ssh-agent answers ({error})"))),
        };
        let identities = match agent.request_identities().await {
            Ok(identities) => identities,
            Err(error) => return Ok(self.note(format!("the ssh-agent lists no keys ({error})"))),
        };
        for identity in identities {
            let AgentIdentity::PublicKey { key, comment } = identity else { continue };
            for hash in hashes(line, key.algorithm().is_rsa()).await? {
                if !self.may_try(MethodKind::PublicKey) {
                    return Ok(self.note("further keys of the agent (not offered)"));
                }
                let result =
                    line.authenticate_publickey_with(&self.host.user, key.clone(), hash, &mut agent).await;
                match result {
                    Ok(result) => {
                        if self.is_in(result) {
                            return Ok(true);
                        }
                    }
                    Err(error) => {
                        self.note(format!("the agent did not sign with {comment} ({error})"));
                    }
                }
            }
            self.note(format!("agent key {comment}"));
        }
        Ok(false)
    }

    async fn with_password(&mut self, line: &mut Handle<Handler>, password: &Secret) -> Result<bool, String> {
        if self.may_try(MethodKind::Password) {
            let result = line
                .authenticate_password(&self.host.user, password.expose())
                .await
                .map_err(|e| e.to_string())?;
            if self.is_in(result) {
                return Ok(true);
            }
            self.note("the password");
        }
        if self.may_try(MethodKind::KeyboardInteractive) {
            return self.with_questions(line, password).await;
        }
        Ok(false)
    }

    /// Answers the first hidden question with the password and every other one with nothing.
    async fn with_questions(
        &mut self,
        line: &mut Handle<Handler>,
        password: &Secret,
    ) -> Result<bool, String> {
        let mut reply = line
            .authenticate_keyboard_interactive_start(&self.host.user, None)
            .await
            .map_err(|e| e.to_string())?;
        let mut password = Some(password);
        for _ in 0..AUTH_ROUNDS_MAX {
            let prompts = match reply {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => {
                    return Ok(self.note("the password (keyboard-interactive)"));
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
            };
            if prompts.iter().any(|prompt| !prompt.echo) && password.is_none() {
                return Ok(self.note("the password (keyboard-interactive; the host asked for more)"));
            }
            let answers = prompts
                .iter()
                .map(|prompt| if prompt.echo { None } else { password.take() })
                .map(|answer| answer.map(|secret| secret.expose().to_owned()).unwrap_or_default())
                .collect();
            reply =
                line.authenticate_keyboard_interactive_respond(answers).await.map_err(|e| e.to_string())?;
        }
        Ok(self.note(format!("keyboard-interactive ({AUTH_ROUNDS_MAX} rounds of questions)")))
    }

    fn failure(&self) -> String {
        let user = &self.host.user;
        let tried = if self.tried.is_empty() { "nothing to try".to_owned() } else { self.tried.join(", ") };
        match &self.accepted {
            Some(accepted) => {
                let accepted: Vec<_> = accepted.iter().map(<&str>::from).collect();
                format!("user {user}: tried {tried}; the host takes {}", accepted.join(", "))
            }
            None => format!("user {user}: {tried}"),
        }
    }
}

/// The signature hashes to try: only RSA has a choice, and SHA-1 is none. OpenSSH takes both and does not make
/// us wait; dropbear takes SHA-256 alone.
async fn hashes(line: &Handle<Handler>, is_rsa: bool) -> Result<Vec<Option<HashAlg>>, String> {
    if !is_rsa {
        return Ok(vec![None]);
    }
    match line.best_supported_rsa_hash().await.map_err(|error| error.to_string())? {
        Some(Some(hash)) => Ok(vec![Some(hash)]),
        _ => Ok(vec![Some(HashAlg::Sha512), Some(HashAlg::Sha256)]),
    }
}
