// SPDX-License-Identifier: GPL-2.0

//! The commands of the family `camzone`.

use camzone_policy::{attribute::Writer, uapi};

use super::{
    reply::{self, Saved, Status},
    socket::{Connection, Error, Messages},
    wire::Extack,
};
use crate::encode::write_saved;

/// `GENL_ID_CTRL`
const CONTROLLER: u16 = 16;
/// `CTRL_CMD_GETFAMILY`
const GET_FAMILY: u8 = 3;
/// `CTRL_ATTR_FAMILY_NAME`
const FAMILY_NAME: u16 = 2;

/// The family of the kernel that runs.
pub struct Family {
    connection: Connection,
    id: u16,
}

impl Family {
    /// Finds it; `None` when the module is not loaded.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn find() -> Result<Option<Self>, Error> {
        let mut connection = Connection::open()?;
        let mut name = Vec::new();
        let text = uapi::CAMZONE_FAMILY_NAME.strip_suffix(b"\0");
        let written = Writer(&mut name).string(FAMILY_NAME, text.unwrap_or_default());
        written.map_err(|_| Error::Broken("out of memory"))?;
        match connection.ask(CONTROLLER, GET_FAMILY, &name) {
            Ok(answer) => {
                let id = answer
                    .messages
                    .first()
                    .and_then(|message| reply::family_id(message));
                let id = id.ok_or(Error::Broken("the family has no number"))?;
                Ok(Some(Family { connection, id }))
            }
            Err(Error::Refused(ack)) if ack.errno == libc::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn command(&mut self, command: u32, attributes: &[u8]) -> Result<(Status, Extack), Error> {
        let answer = self.connection.ask(self.id, command as u8, attributes)?;
        let status = answer
            .messages
            .first()
            .map(|message| reply::status(message));
        Ok((status.unwrap_or_default(), answer.warning))
    }

    /// What guards the namespace.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn status(&mut self) -> Result<Status, Error> {
        Ok(self.command(uapi::CAMZONE_CMD_STATUS_GET, &[])?.0)
    }

    /// Begins a transaction and returns the generation in force.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn begin(&mut self, settings: &[u8], saved: Option<Saved>) -> Result<u32, Error> {
        let mut begin = settings.to_vec();
        if let Some(Saved { ipv4, ipv6 }) = saved {
            let written = write_saved(&mut begin, ipv4, ipv6);
            written.map_err(|_| Error::Broken("out of memory"))?;
        }
        Ok(self
            .command(uapi::CAMZONE_CMD_POLICY_BEGIN, &begin)?
            .0
            .generation)
    }

    /// Adds items.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn add(&mut self, items: &[u8]) -> Result<(), Error> {
        self.command(uapi::CAMZONE_CMD_POLICY_ADD, items)
            .map(|_| ())
    }

    /// Puts the policy in force, or asks whether it could be.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn commit(&mut self, generation: u32, check: bool) -> Result<(Status, Extack), Error> {
        let mut attributes = Vec::new();
        let mut writer = Writer(&mut attributes);
        let written = writer
            .u32(uapi::CAMZONE_A_GENERATION as u16, generation)
            .and_then(|()| writer.flag(uapi::CAMZONE_A_CHECK as u16, check));
        written.map_err(|_| Error::Broken("out of memory"))?;
        self.command(uapi::CAMZONE_CMD_POLICY_COMMIT, &attributes)
    }

    /// Takes the policy out of force.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn disarm(&mut self) -> Result<Status, Error> {
        Ok(self.command(uapi::CAMZONE_CMD_DISARM, &[])?.0)
    }

    /// The messages of the policy in force; none when there is none. On a socket of their own.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn policy(&self) -> Result<impl Messages, Error> {
        Connection::open()?.dump(self.id, uapi::CAMZONE_CMD_POLICY_GET as u8)
    }

    /// The messages of the counters: of reasons, cells, and rules as the policy has them. On a
    /// socket of their own.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn counters(&self) -> Result<impl Messages, Error> {
        Connection::open()?.dump(self.id, uapi::CAMZONE_CMD_COUNTERS_GET as u8)
    }
}
