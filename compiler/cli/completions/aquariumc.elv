
use builtin;
use str;

set edit:completion:arg-completer[aquariumc] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'aquariumc'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'aquariumc'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand check 'Run all static checks'
            cand fmt 'Write policies in the one canonical layout'
            cand compile 'Check, then write the WebAssembly charging module'
            cand explain 'Explain a finding: what it means, why it matters, an example, the fix'
            cand show 'Show what an agreement asks, where that is written, and the week as a grid'
            cand diff 'Tell what changes in meaning from one policy to another, and what that costs whom'
            cand simulate 'Charge recorded events offline, with the same fold as the daemon'
            cand test 'Run policy tests, with coverage of prices, branches and time frames'
            cand init 'Begin a policy: a commented one, a test of it and events to try it with'
            cand completions 'Write the completions of a shell to standard output'
            cand lsp 'Serve the language server protocol on standard input and output'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'aquariumc;check'= {
            cand --format 'How findings are written'
            cand --deny 'Treat warnings as errors'
            cand --fix 'First apply what findings offer as a fix, in the files; what is left is reported'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'aquariumc;fmt'= {
            cand --check 'Change nothing; list the files whose layout differs, with exit code 1 if there is one'
            cand --diff 'Change nothing; show the differences, with exit code 1 if there is one'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'aquariumc;compile'= {
            cand --format 'How findings are written'
            cand --deny 'Treat warnings as errors'
            cand -o 'Where to write; `-` is standard output'
            cand --output 'Where to write; `-` is standard output'
            cand --emit 'What to write'
            cand --no-wide-arithmetic 'Use plain 64-bit instructions only, for engines without wide arithmetic'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'aquariumc;explain'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'aquariumc;show'= {
            cand --at 'The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy''s zone where it names none. Default: now'
            cand --resource 'Only this resource; may be repeated'
            cand --format 'How the answer is written'
            cand --bounds 'Also what was proven about each expression: values, steps, and the arithmetic it needs'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'aquariumc;diff'= {
            cand --events 'Event files, an event a line (NDJSON): charge them by both policies and tell the difference per user'
            cand --at 'The instant up to which events are charged. Default: the greatest `occurredMillis` of the events'
            cand --format 'How the differences are written'
            cand --exit-code 'Exit with 1 where anything changes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'aquariumc;simulate'= {
            cand --at 'The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy''s zone where it names none. Default: the greatest `occurredMillis` of the events'
            cand --known 'Only what had been received up to then'
            cand --user 'Only this user'
            cand --deploy 'Another version of the policy and when it holds; may be repeated, in order of deployment'
            cand --bills 'Also the bills of a month'
            cand --explain 'Also how an entry came about'
            cand --format 'How the result is written'
            cand --credit-events 'Also the credit events: when each balance came to stand above, or at or below, the user''s threshold'
            cand --summary 'The number of entries instead of the entries'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'aquariumc;test'= {
            cand --filter 'Only tests whose name has this text'
            cand --lcov 'Write the coverage to this file, in the format of LCOV'
            cand --format 'How the results are written'
            cand --coverage 'Also show which prices, tiers, expressions, branches and time frames no test reaches'
            cand --explain 'Also show how every charge came about, step by step'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'aquariumc;init'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'aquariumc;completions'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'aquariumc;lsp'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'aquariumc;help'= {
            cand check 'Run all static checks'
            cand fmt 'Write policies in the one canonical layout'
            cand compile 'Check, then write the WebAssembly charging module'
            cand explain 'Explain a finding: what it means, why it matters, an example, the fix'
            cand show 'Show what an agreement asks, where that is written, and the week as a grid'
            cand diff 'Tell what changes in meaning from one policy to another, and what that costs whom'
            cand simulate 'Charge recorded events offline, with the same fold as the daemon'
            cand test 'Run policy tests, with coverage of prices, branches and time frames'
            cand init 'Begin a policy: a commented one, a test of it and events to try it with'
            cand completions 'Write the completions of a shell to standard output'
            cand lsp 'Serve the language server protocol on standard input and output'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'aquariumc;help;check'= {
        }
        &'aquariumc;help;fmt'= {
        }
        &'aquariumc;help;compile'= {
        }
        &'aquariumc;help;explain'= {
        }
        &'aquariumc;help;show'= {
        }
        &'aquariumc;help;diff'= {
        }
        &'aquariumc;help;simulate'= {
        }
        &'aquariumc;help;test'= {
        }
        &'aquariumc;help;init'= {
        }
        &'aquariumc;help;completions'= {
        }
        &'aquariumc;help;lsp'= {
        }
        &'aquariumc;help;help'= {
        }
    ]
    $completions[$command]
}
