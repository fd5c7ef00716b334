
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'aquariumc' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'aquariumc'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'aquariumc' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Run all static checks')
            [CompletionResult]::new('fmt', 'fmt', [CompletionResultType]::ParameterValue, 'Write policies in the one canonical layout')
            [CompletionResult]::new('compile', 'compile', [CompletionResultType]::ParameterValue, 'Check, then write the WebAssembly charging module')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a finding: what it means, why it matters, an example, the fix')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show what an agreement asks, where that is written, and the week as a grid')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell what changes in meaning from one policy to another, and what that costs whom')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Charge recorded events offline, with the same fold as the daemon')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run policy tests, with coverage of prices, branches and time frames')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Begin a policy: a commented one, a test of it and events to try it with')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write the completions of a shell to standard output')
            [CompletionResult]::new('lsp', 'lsp', [CompletionResultType]::ParameterValue, 'Serve the language server protocol on standard input and output')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'aquariumc;check' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How findings are written')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Treat warnings as errors')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'First apply what findings offer as a fix, in the files; what is left is reported')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aquariumc;fmt' {
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Change nothing; list the files whose layout differs, with exit code 1 if there is one')
            [CompletionResult]::new('--diff', '--diff', [CompletionResultType]::ParameterName, 'Change nothing; show the differences, with exit code 1 if there is one')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'aquariumc;compile' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How findings are written')
            [CompletionResult]::new('--deny', '--deny', [CompletionResultType]::ParameterName, 'Treat warnings as errors')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Where to write; `-` is standard output')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where to write; `-` is standard output')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'What to write')
            [CompletionResult]::new('--no-wide-arithmetic', '--no-wide-arithmetic', [CompletionResultType]::ParameterName, 'Use plain 64-bit instructions only, for engines without wide arithmetic')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aquariumc;explain' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'aquariumc;show' {
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy''s zone where it names none. Default: now')
            [CompletionResult]::new('--resource', '--resource', [CompletionResultType]::ParameterName, 'Only this resource; may be repeated')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How the answer is written')
            [CompletionResult]::new('--bounds', '--bounds', [CompletionResultType]::ParameterName, 'Also what was proven about each expression: values, steps, and the arithmetic it needs')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aquariumc;diff' {
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Event files, an event a line (NDJSON): charge them by both policies and tell the difference per user')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'The instant up to which events are charged. Default: the greatest `occurredMillis` of the events')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How the differences are written')
            [CompletionResult]::new('--exit-code', '--exit-code', [CompletionResultType]::ParameterName, 'Exit with 1 where anything changes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aquariumc;simulate' {
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'The instant to look at: milliseconds since the epoch, or an ISO 8601 date or date-time, in the policy''s zone where it names none. Default: the greatest `occurredMillis` of the events')
            [CompletionResult]::new('--known', '--known', [CompletionResultType]::ParameterName, 'Only what had been received up to then')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Only this user')
            [CompletionResult]::new('--deploy', '--deploy', [CompletionResultType]::ParameterName, 'Another version of the policy and when it holds; may be repeated, in order of deployment')
            [CompletionResult]::new('--bills', '--bills', [CompletionResultType]::ParameterName, 'Also the bills of a month')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Also how an entry came about')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How the result is written')
            [CompletionResult]::new('--credit-events', '--credit-events', [CompletionResultType]::ParameterName, 'Also the credit events: when each balance came to stand above, or at or below, the user''s threshold')
            [CompletionResult]::new('--summary', '--summary', [CompletionResultType]::ParameterName, 'The number of entries instead of the entries')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aquariumc;test' {
            [CompletionResult]::new('--filter', '--filter', [CompletionResultType]::ParameterName, 'Only tests whose name has this text')
            [CompletionResult]::new('--lcov', '--lcov', [CompletionResultType]::ParameterName, 'Write the coverage to this file, in the format of LCOV')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How the results are written')
            [CompletionResult]::new('--coverage', '--coverage', [CompletionResultType]::ParameterName, 'Also show which prices, tiers, expressions, branches and time frames no test reaches')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Also show how every charge came about, step by step')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'aquariumc;init' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'aquariumc;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'aquariumc;lsp' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'aquariumc;help' {
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Run all static checks')
            [CompletionResult]::new('fmt', 'fmt', [CompletionResultType]::ParameterValue, 'Write policies in the one canonical layout')
            [CompletionResult]::new('compile', 'compile', [CompletionResultType]::ParameterValue, 'Check, then write the WebAssembly charging module')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a finding: what it means, why it matters, an example, the fix')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show what an agreement asks, where that is written, and the week as a grid')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Tell what changes in meaning from one policy to another, and what that costs whom')
            [CompletionResult]::new('simulate', 'simulate', [CompletionResultType]::ParameterValue, 'Charge recorded events offline, with the same fold as the daemon')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Run policy tests, with coverage of prices, branches and time frames')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Begin a policy: a commented one, a test of it and events to try it with')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Write the completions of a shell to standard output')
            [CompletionResult]::new('lsp', 'lsp', [CompletionResultType]::ParameterValue, 'Serve the language server protocol on standard input and output')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'aquariumc;help;check' {
            break
        }
        'aquariumc;help;fmt' {
            break
        }
        'aquariumc;help;compile' {
            break
        }
        'aquariumc;help;explain' {
            break
        }
        'aquariumc;help;show' {
            break
        }
        'aquariumc;help;diff' {
            break
        }
        'aquariumc;help;simulate' {
            break
        }
        'aquariumc;help;test' {
            break
        }
        'aquariumc;help;init' {
            break
        }
        'aquariumc;help;completions' {
            break
        }
        'aquariumc;help;lsp' {
            break
        }
        'aquariumc;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
