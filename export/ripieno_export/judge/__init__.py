"""The harness of the accompanist: what it is judged on, by which figures, beside whom.

    pieces (corpora, a folder) → takes (baselines, the product) → figures → report
                                        └ simulated, or live through real ports

A *piece* is what a human plays and what a human accompanist answered; a *take* is what
some system answered. All figures are functions of the two, on a grid of sixteenths.
Nothing here knows how a system thinks.

`command` is `ripieno-export evaluate --role`, `protocol` its tiers in order.
"""
