//! What every page has around its content.

use aquarium_ir::Millis;
use aquarium_ir::time::Zone;
use maud::{DOCTYPE, Markup, html};

use super::{assets, words};

/// The parts of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Users, and all about one.
    Users,
    /// What was deployed.
    Policies,
    /// What has no effect.
    Quarantine,
    /// The parts of the daemon.
    Components,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Users, "Users", "/console"),
        (Self::Policies, "Policies", "/console/policies"),
        (Self::Quarantine, "Quarantine", "/console/quarantine"),
        (Self::Components, "Components", "/console/components"),
    ];
}

/// What a page needs to know about the daemon.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The zone of the policy.
    pub zone: Zone,
    /// The daemon's time.
    pub now: Millis,
}

impl Frame {
    /// An instant on the clock of the policy's zone, and in UTC.
    pub fn instant(&self, at: Millis) -> Markup {
        words::instant(&self.zone, at)
    }

    /// A whole page.
    pub fn page(&self, section: Section, title: &str, content: &Markup) -> Markup {
        self.whole(section, title, content, false)
    }

    /// A whole page with charts: nothing else loads what draws them.
    pub fn page_with_charts(&self, section: Section, title: &str, content: &Markup) -> Markup {
        self.whole(section, title, content, true)
    }

    fn whole(&self, section: Section, title: &str, content: &Markup, charts: bool) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" data-zone=(self.zone.name()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (words::plain(title)) " · Aquarium" }
                    link rel="icon" href=(assets::address("icon.svg"));
                    @if charts { link rel="stylesheet" href=(assets::address("uPlot.min.css")); }
                    link rel="stylesheet" href=(assets::address("console.css"));
                    @if charts { script src=(assets::address("uPlot.iife.min.js")) defer {} }
                    script src=(assets::address("console.js")) defer {}
                }
                body {
                    a .skip href="#content" { "Skip to the content" }
                    (self.header(section))
                    main #content tabindex="-1" { (content) }
                    footer {
                        p { "Times are those of " (self.zone.name()) ", with the instant in UTC beside. This console changes nothing." }
                    }
                }
            }
        }
    }

    fn header(&self, section: Section) -> Markup {
        html! {
            header {
                a .brand href="/console" { "Aquarium" }
                nav aria-label="Console" {
                    @for (one, name, address) in Section::ALL {
                        a href=(address) aria-current=[(one == section).then_some("page")] { (name) }
                    }
                }
                p .now { span { "Daemon’s time" } " " (self.instant(self.now)) }
            }
        }
    }

    /// A page that says why there is no answer.
    pub fn fault(&self, status: u16, message: &str) -> Markup {
        let content = html! {
            h1 { "No answer" }
            p .fault role="alert" { (words::shown(message)) }
            p { "Status " (status) ". " a href="/console" { "Look for a user" } }
        };
        self.page(Section::Users, "No answer", &content)
    }
}
