"""Training and export: from a folder of music to a model folder that the daemon plays.

    sources · archives · corpus   the shared music → pieces; midi_files reads them
    folders · tree · provenance   any other folder's; notation reads more
    split · folds                 held-out music kept apart, by tune family
    tokenize · augment · turns    notes → varied crops → who plays what → events
    packing · packed · dataset    streamed to disk once; a batch hangs on its step
    networks/                     one file a family
    preset · task · train         the recipe, what is learned, the one loop
    checkpoint · display          resumed bit for bit; what a run shows
    duet/ harmonizer/ phrases/    what a family learns: its music, task and graphs;
    loops/ likeness/ frames/      and the others'
    contexts · baselines          unigrams and Markov chains to be beaten
    evaluate · evaluation/        held-out nats per event, beside Markov's; and more
    step · to_onnx · parity       the step graphs, their export, their golden vectors
    lighter · quantize            the same in fewer bits
    finetune                      your own files
    continuing · originality      what a model plays on; whether it copies
    card · publish · making       models/<name>/; model_folder writes its manifest
    flags · cli                   the commands

It may import the daemon's values and its session; the daemon never imports it.
"""

from ripieno.telemetry import switch_off

switch_off()
