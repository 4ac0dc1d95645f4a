"""How good an event model is: its predictions, its continuations, and plots of both.

    subject         a model to judge: a published folder, or a checkpoint
    predictions     what it says of fixed held-out crops, event by event
    classes         accuracy, precision, recall, F1, confusion, of each head
    memory          likelihood by place in a crop, and by how much was heard
    prompts         held-out music, cut in two
    continuations   what each system plays where the human's next note falls
    bleu, likeness, sound   how near that is to what the human played
    protocol        all of it, in order; report and plots write it down

A new figure of continuations is one entry of `protocol.MEASURES`.
"""
