#pragma once
/// Files: safetensors, llama2.c checkpoints and tokenizers, vocabularies of BERT, tables of numbers, trainings. Needs
/// nlohmann-json;
/// include it beside <lacuna/lacuna.hpp>.

#include <lacuna/io/bert.hpp>
#include <lacuna/io/csv.hpp>
#include <lacuna/io/load.hpp>
#include <lacuna/io/open.hpp>
#include <lacuna/io/word_piece.hpp>
#include <lacuna/token/bytes.hpp>
#include <lacuna/token/characters.hpp>
#include <lacuna/token/llama2c_vocabulary.hpp>
#include <lacuna/train/checkpoint.hpp>
