//! Nodes that share a store: each has a row, which it renews by one statement, and by which its leases last.
//!
//! Time is the server's alone. Everything here goes over a connection of its own: a node whose other connections are
//! all in use renews in time. Who is found to have ended is marked so before its leases are taken, and its connections
//! are ended: one that is frozen in the midst of a transaction would hold others up by its locks.
//!
//! No standby is waited for but where a lease is taken: whoever charges goes on charging though a synchronous standby is
//! away. A standby that takes over may lack what was not waited for, and then knows an older row: a lease that ends
//! sooner, a lease that was not given back yet, a node that has not joined again. None of it lets two write. It must not
//! lack an epoch that somebody writes by: it could be given out again. So nodes come and go while a standby is away, but what
//! they would take stays where it is until the standby is back; hints go out after what they tell of, by themselves,
//! since a hint that is part of a commit holds up those of all others until that commit is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_postgres::{Client, Row};

use super::copy::{count, number};
use super::error::{Fault, PostgresError};
use super::hints::{Hint, tell};
use super::leases::{self, Lease};
use super::migrations;
use super::server::Server;
use super::standby::{WAITING_FOR_NO_STANDBY, lasting, passing};
use crate::derived::Fence;
use crate::record::Position;

/// What is kept of nodes that ended without a word, for whoever looks: a day.
const REMEMBERED: &str = "1 day";

/// The longest that joining or leaving may take: nothing is held that could be lost meanwhile.
const COME_OR_GONE_WITHIN: Duration = Duration::from_secs(10);

/// Who joins.
#[derive(Debug, Clone)]
pub struct Joining {
    /// The name of the node.
    pub name: String,
    /// Where others reach it.
    pub address: String,
    /// The version of its program.
    pub version: String,
    /// Whether it wants all partitions and nobody beside it.
    pub alone: bool,
    /// How long its leases last after each renewal.
    pub lease: Duration,
    /// The number of partitions.
    pub partitions: u16,
}

/// A node among others, until it leaves or its time is over.
pub struct Member {
    server: Arc<Server>,
    joining: Joining,
    line: Mutex<Option<Client>>,
}

/// A node, as its row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Its name.
    pub name: String,
    /// Where others reach it.
    pub address: String,
    /// The version of its program.
    pub version: String,
    /// Whether it wants all partitions.
    pub alone: bool,
    /// Up to where it has folded the log, of its own partitions.
    pub folded: Position,
    /// Whether its time is not over.
    pub lives: bool,
    /// How long ago it was last heard of.
    pub seen_millis_ago: u64,
    /// How long ago it joined.
    pub joined_millis_ago: u64,
}

/// All nodes and leases, as the store has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// The nodes, by name.
    pub nodes: Vec<NodeRow>,
    /// The leases, by partition.
    pub leases: Vec<Lease>,
    /// The end of the log.
    pub end: Position,
}

impl Member {
    /// Joins the others. What the node held in an earlier life is free; its connections of then are ended.
    ///
    /// # Errors
    /// Where the server cannot be used; where one is to be alone and is not.
    pub fn join(server: &Arc<Server>, joining: Joining) -> Result<Self, PostgresError> {
        let member = Self { server: server.clone(), joining, line: Mutex::default() };
        member.join_again()?;
        Ok(member)
    }

    /// Joins once more: what was held is free.
    ///
    /// # Errors
    /// As [`Member::join`].
    pub fn join_again(&self) -> Result<(), PostgresError> {
        let joined = self.on_line_within(COME_OR_GONE_WITHIN, async |client| {
            let session = self.server.application();
            let other = passing(client, async || join(client, &self.joining, session).await).await?;
            tell(client, Hint::Nodes).await;
            // Known from the beginning: there is little time to look when leases are to be renewed.
            drop(self.server.look_for_standbys().await);
            Ok(other)
        });
        let place = self.server.place();
        match joined.map_err(|fault| fault.opening(place))? {
            None => Ok(()),
            Some(Other { holder, seconds }) => {
                Err(PostgresError::Held { place: place.to_owned(), holder, seconds })
            }
        }
    }

    /// Renews what is held; says how everything stands then. `None`: the node's time is over, it holds nothing.
    ///
    /// # Errors
    /// Where the server cannot be used, and where its tables are newer than this program by now.
    pub fn renew(&self, folded: Position) -> Result<Option<View>, PostgresError> {
        let renewed = self.on_line(async |client| {
            let renew = "UPDATE nodes SET seen = clock_timestamp(), folded = $3, \
                 expires = clock_timestamp() + $4 * interval '1 ms' \
                 WHERE name = $1 AND session = $2 AND expires > clock_timestamp()";
            let (name, session) = (&self.joining.name, self.server.application());
            let lease = millis(self.joining.lease);
            if client.execute(renew, &[name, &session, &number(folded.0), &lease]).await? == 0 {
                return Ok(None);
            }
            migrations::check(client).await?;
            view(client).await.map(Some)
        });
        renewed.map_err(|fault| fault.opening(self.server.place()))
    }

    /// Fails where nothing can be taken now, because what is to last is held back.
    ///
    /// # Errors
    /// Then, and where the server cannot be used.
    pub fn check_lasting(&self) -> Result<(), PostgresError> {
        let lasted = self.on_line(async |client| {
            self.check_standbys().await?;
            // A transaction that writes nothing to the server's log is waited for by nobody; this writes a message without words.
            let message = "SELECT pg_logical_emit_message(true, '', '')";
            lasting(client, async || Ok(client.batch_execute(message).await?)).await
        });
        lasted.map_err(|fault| self.explained(fault).opening(self.server.place()))
    }

    /// Takes those of the partitions that nobody has; marks nodes whose time is over, and ends their connections.
    ///
    /// # Errors
    /// Where the server cannot be used.
    pub fn take(&self, partitions: &[u16]) -> Result<Vec<Fence>, PostgresError> {
        let taken = self.on_line(async |client| {
            let ended = mark_ended(client).await?;
            end_sessions(client, &ended).await?;
            self.check_standbys().await?;
            let name = &self.joining.name;
            let fences = lasting(client, async || leases::take(client, name, partitions).await).await?;
            if !fences.is_empty() {
                tell(client, Hint::Nodes).await;
            }
            Ok(fences)
        });
        taken.map_err(|fault| self.explained(fault).opening(self.server.place()))
    }

    /// Gives leases back.
    ///
    /// # Errors
    /// Where the server cannot be used; they end by themselves then.
    pub fn give_back(&self, fences: &[Fence]) -> Result<(), PostgresError> {
        let given = self.on_line(async |client| {
            leases::give_back(client, &self.joining.name, fences).await?;
            tell(client, Hint::Nodes).await;
            Ok(())
        });
        given.map_err(|fault| fault.opening(self.server.place()))
    }

    /// Gives everything back, and is not there any more.
    ///
    /// # Errors
    /// Where the server cannot be used; leases end by themselves then.
    pub fn leave(&self) -> Result<(), PostgresError> {
        let left = self.on_line_within(COME_OR_GONE_WITHIN, async |client| {
            // Leases whose holder is not there are free, whatever becomes of the rest.
            let delete = "DELETE FROM nodes WHERE name = $1 AND session = $2";
            let (name, session) = (&self.joining.name, self.server.application());
            client.execute(delete, &[name, &session]).await?;
            // What is held back, or waits for what is, locks leases; nobody here waits for it any more.
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 \
                 AND pid <> pg_backend_pid() AND state <> 'idle' \
                 AND usename = current_user AND datname = current_database()";
            client.query(end, &[&session]).await?;
            tell(client, Hint::Nodes).await;
            leases::forget(client, name).await
        });
        left.map_err(|fault| fault.opening(self.server.place()))
    }

    /// Fails where something is held back already: another commit would only be held back, too, and would keep its
    /// connection and its locks for as long.
    async fn check_standbys(&self) -> Result<(), Fault> {
        let known = self.server.held_back.fault();
        let fault = if known.is_some() { known } else { self.server.look_for_standbys().await };
        fault.map_or(Ok(()), Err)
    }

    /// A fault, or what is behind it where nothing was said.
    fn explained(&self, fault: Fault) -> Fault {
        let Fault::Late = fault else { return fault };
        let look = async { Ok(self.server.look_for_standbys().await) };
        self.server.wait_at_most(self.patience(), look).ok().flatten().unwrap_or(fault)
    }

    /// The longest that one of these steps may take: there is time for another try before leases end.
    fn patience(&self) -> Duration {
        self.joining.lease / 4
    }

    fn on_line<T>(&self, work: impl AsyncFn(&Client) -> Result<T, Fault>) -> Result<T, Fault> {
        self.on_line_within(self.patience(), work)
    }

    /// Does something on the connection that is there for this alone. One that breaks, or does not answer, is left.
    fn on_line_within<T>(
        &self,
        patience: Duration,
        work: impl AsyncFn(&Client) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.server.wait_at_most(patience, async {
            let mut line = self.line.lock().await;
            let known = line.take().filter(|client| !client.is_closed());
            let client = match known {
                Some(client) => client,
                None => {
                    let client = self.server.dedicated(self.patience()).await?;
                    client.batch_execute(WAITING_FOR_NO_STANDBY).await?;
                    client
                }
            };
            let done = work(&client).await;
            if done.is_ok() {
                *line = Some(client);
            }
            done
        })
    }
}

/// How everything stands, for whoever looks without being one of them.
///
/// # Errors
/// Where the server cannot be used.
pub fn look(server: &Server) -> Result<View, PostgresError> {
    let seen = server.work(Duration::ZERO, async |client| view(client).await);
    seen.map_err(|fault| fault.opening(server.place()))
}

/// Who is there although one was to be alone.
struct Other {
    holder: String,
    seconds: i64,
}

/// Joins, unless somebody else is there where one is to be alone. Connections of the node's earlier lives are ended: they
/// hold nothing any more but locks.
async fn join(client: &Client, joining: &Joining, session: &str) -> Result<Option<Other>, Fault> {
    // One joins after the other: of two who want to be alone one is.
    client.batch_execute("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE").await?;
    leases::prepare(client, joining.partitions).await?;
    if joining.alone
        && let Some(other) = other_than(client, &joining.name).await?
    {
        return Ok(Some(other));
    }
    let earlier = "SELECT session FROM nodes WHERE name = $1 AND session <> $2";
    let rows = client.query(earlier, &[&joining.name, &session]).await?;
    let earlier = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    end_sessions(client, &earlier).await?;
    leases::give_all_back(client, &joining.name).await?;
    let put = "INSERT INTO nodes (name, session, address, version, alone, started, seen, expires) \
         SELECT $1, $2, $3, $4, $5, now, now, now + $6 * interval '1 ms' FROM clock_timestamp() AS now \
         ON CONFLICT (name) DO UPDATE SET session = excluded.session, address = excluded.address, \
         version = excluded.version, alone = excluded.alone, folded = 0, started = excluded.started, \
         seen = excluded.seen, expires = excluded.expires";
    let Joining { name, address, version, alone, lease, .. } = joining;
    client.execute(put, &[name, &session, address, version, alone, &millis(*lease)]).await?;
    let forget =
        format!("DELETE FROM nodes WHERE expires = '-infinity' AND seen < now() - interval '{REMEMBERED}'");
    client.batch_execute(&forget).await?;
    Ok(None)
}

async fn other_than(client: &Client, name: &str) -> Result<Option<Other>, Fault> {
    let select = "SELECT name, greatest(0, ceil(extract(epoch FROM expires - clock_timestamp())))::int8 FROM nodes \
         WHERE name <> $1 AND expires > clock_timestamp() ORDER BY name LIMIT 1";
    let row = client.query_opt(select, &[&name]).await?;
    row.map(|row| Ok(Other { holder: row.try_get(0)?, seconds: row.try_get(1)? })).transpose()
}

/// Marks nodes whose time is over: they cannot renew any more. Gives the names of their connections.
async fn mark_ended(client: &Client) -> Result<Vec<String>, Fault> {
    let mark = "UPDATE nodes SET expires = '-infinity' \
         WHERE expires > '-infinity' AND expires <= clock_timestamp() RETURNING session";
    let rows = client.query(mark, &[]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<_>, _>>()?)
}

/// Ends connections, as far as the server lets us: transactions of nodes that are not there any more hold locks.
async fn end_sessions(client: &Client, sessions: &[String]) -> Result<(), Fault> {
    if sessions.is_empty() {
        return Ok(());
    }
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = ANY($1) AND usename = current_user AND datname = current_database()";
    client.query(end, &[&sessions]).await?;
    Ok(())
}

async fn view(client: &Client) -> Result<View, Fault> {
    let select = "SELECT name, address, version, alone, folded, expires > clock_timestamp(), \
         greatest(0, extract(epoch FROM clock_timestamp() - seen) * 1000)::int8, \
         greatest(0, extract(epoch FROM clock_timestamp() - started) * 1000)::int8 FROM nodes ORDER BY name";
    let nodes = client.query(select, &[]).await?.iter().map(node).collect::<Result<_, Fault>>()?;
    let leases = leases::all(client).await?;
    let end = client.query_opt("SELECT records FROM log_head", &[]).await?;
    let end = end.map(|row| row.try_get(0)).transpose()?.map_or(0, count);
    Ok(View { nodes, leases, end: Position(end) })
}

fn node(row: &Row) -> Result<NodeRow, Fault> {
    Ok(NodeRow {
        name: row.try_get(0)?,
        address: row.try_get(1)?,
        version: row.try_get(2)?,
        alone: row.try_get(3)?,
        folded: Position(count(row.try_get(4)?)),
        lives: row.try_get(5)?,
        seen_millis_ago: count(row.try_get(6)?),
        joined_millis_ago: count(row.try_get(7)?),
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
