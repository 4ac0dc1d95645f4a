"""The phrase model: a variational autoencoder over two bars of melody."""
