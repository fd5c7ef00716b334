# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_aquariumc_global_optspecs
    string join \n h/help V/version
end

function __fish_aquariumc_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_aquariumc_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_aquariumc_using_subcommand
    set -l cmd (__fish_aquariumc_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c aquariumc -n "__fish_aquariumc_needs_command" -s h -l help -d 'Print help'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -s V -l version -d 'Print version'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "check" -d 'Run all static checks'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "fmt" -d 'Write policies in the one canonical layout'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "compile" -d 'Check, then write the WebAssembly charging module'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "explain" -d 'Explain a finding: what it means, why it matters, an example, the fix'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "show" -d 'Show what an agreement asks, where that is written, and the week as a grid'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "diff" -d 'Tell what changes in meaning from one policy to another, and what that costs whom'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "simulate" -d 'Charge recorded events offline, with the same fold as the daemon'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "test" -d 'Run policy tests, with coverage of prices, branches and time frames'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "init" -d 'Begin a policy: a commented one, a test of it and events to try it with'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "completions" -d 'Write the completions of a shell to standard output'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "lsp" -d 'Serve the language server protocol on standard input and output'
complete -c aquariumc -n "__fish_aquariumc_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand check" -l format -d 'How findings are written' -r -f -a "human\t'With the source, for people'
short\t'One line each: `path:line:column: severity[code]: message`'
json\t'One JSON object'
sarif\t'A SARIF 2.1.0 log, for code scanning'
github\t'Workflow commands of GitHub Actions'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand check" -l deny -d 'Treat warnings as errors' -r -f -a "warnings\t'Every warning'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand check" -l fix -d 'First apply what findings offer as a fix, in the files; what is left is reported'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand fmt" -l check -d 'Change nothing; list the files whose layout differs, with exit code 1 if there is one'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand fmt" -l diff -d 'Change nothing; show the differences, with exit code 1 if there is one'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand fmt" -s h -l help -d 'Print help'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand compile" -l format -d 'How findings are written' -r -f -a "human\t'With the source, for people'
short\t'One line each: `path:line:column: severity[code]: message`'
json\t'One JSON object'
sarif\t'A SARIF 2.1.0 log, for code scanning'
github\t'Workflow commands of GitHub Actions'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand compile" -l deny -d 'Treat warnings as errors' -r -f -a "warnings\t'Every warning'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand compile" -s o -l output -d 'Where to write; `-` is standard output' -r -F
complete -c aquariumc -n "__fish_aquariumc_using_subcommand compile" -l emit -d 'What to write' -r -f -a "wasm\t'The module'
wat\t'The module as text'
ir\t'The typed intermediate representation as JSON'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand compile" -l no-wide-arithmetic -d 'Use plain 64-bit instructions only, for engines without wide arithmetic'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand compile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand explain" -s h -l help -d 'Print help'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand show" -l at -d 'The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy\'s zone where it names none. Default: now' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand show" -l resource -d 'Only this resource; may be repeated' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand show" -l format -d 'How the answer is written' -r -f -a "human\t'Chains and grids, for people'
json\t'One JSON object'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand show" -l bounds -d 'Also what was proven about each expression: values, steps, and the arithmetic it needs'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand diff" -l events -d 'Event files, an event a line (NDJSON): charge them by both policies and tell the difference per user' -r -F
complete -c aquariumc -n "__fish_aquariumc_using_subcommand diff" -l at -d 'The instant up to which events are charged. Default: the greatest `occurredMillis` of the events' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand diff" -l format -d 'How the differences are written' -r -f -a "human\t'For the terminal'
markdown\t'Tables for a merge request'
json\t'One JSON object'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand diff" -l exit-code -d 'Exit with 1 where anything changes'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l at -d 'The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy\'s zone where it names none. Default: the greatest `occurredMillis` of the events' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l known -d 'Only what had been received up to then' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l user -d 'Only this user' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l deploy -d 'Another version of the policy and when it holds; may be repeated, in order of deployment' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l bills -d 'Also the bills of a month' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l explain -d 'Also how an entry came about' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l format -d 'How the result is written' -r -f -a "human\t'A table, for people'
json\t'One JSON object'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l credit-events -d 'Also the credit events: when each balance came to stand above, or at or below, the user\'s threshold'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -l summary -d 'The number of entries instead of the entries'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand simulate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand test" -l filter -d 'Only tests whose name has this text' -r
complete -c aquariumc -n "__fish_aquariumc_using_subcommand test" -l lcov -d 'Write the coverage to this file, in the format of LCOV' -r -F
complete -c aquariumc -n "__fish_aquariumc_using_subcommand test" -l format -d 'How the results are written' -r -f -a "human\t'A line a test, and reports of what does not hold'
json\t'One JSON object, coverage included'
junit\t'JUnit\'s XML, as CI systems read it'"
complete -c aquariumc -n "__fish_aquariumc_using_subcommand test" -l coverage -d 'Also show which prices, tiers, expressions, branches and time frames no test reaches'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand test" -l explain -d 'Also show how every charge came about, step by step'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand init" -s h -l help -d 'Print help'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand completions" -s h -l help -d 'Print help'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand lsp" -s h -l help -d 'Print help'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "check" -d 'Run all static checks'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "fmt" -d 'Write policies in the one canonical layout'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "compile" -d 'Check, then write the WebAssembly charging module'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "explain" -d 'Explain a finding: what it means, why it matters, an example, the fix'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "show" -d 'Show what an agreement asks, where that is written, and the week as a grid'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "diff" -d 'Tell what changes in meaning from one policy to another, and what that costs whom'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "simulate" -d 'Charge recorded events offline, with the same fold as the daemon'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "test" -d 'Run policy tests, with coverage of prices, branches and time frames'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "init" -d 'Begin a policy: a commented one, a test of it and events to try it with'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "completions" -d 'Write the completions of a shell to standard output'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "lsp" -d 'Serve the language server protocol on standard input and output'
complete -c aquariumc -n "__fish_aquariumc_using_subcommand help; and not __fish_seen_subcommand_from check fmt compile explain show diff simulate test init completions lsp help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
