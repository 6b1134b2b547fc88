"""The words made-up Brazilian real-estate people and companies are called by."""

from __future__ import annotations

from typing import Final

KINDS: Final = (
    "Incorporadora",
    "Construtora",
    "Empreendimentos",
    "Urbanizadora",
    "Loteadora",
    "Desenvolvimento Imobiliário",
)
FORMS: Final = ("Ltda.", "S.A.", "SPE Ltda.", "Participações S.A.")
FIRST_WORDS: Final = (
    "Monte", "Vale", "Porto", "Serra", "Jardim", "Parque", "Alto", "Bosque", "Campo", "Costa",
    "Horizonte", "Lago", "Morada", "Nova", "Pedra", "Praia", "Recanto", "Ribeirão", "Solar",
    "Terra", "Vila", "Mirante", "Atlântico", "Ipê", "Aroeira",
)  # fmt: skip
LAST_WORDS: Final = (
    "Azul", "do Sol", "das Acácias", "Verde", "da Barra", "Dourado", "dos Ipês", "Real",
    "do Cerrado", "Branco", "das Palmeiras", "Bonito", "da Serra", "São Bento", "do Lago",
    "Paulista", "Mineiro", "das Águas", "Alegre", "do Norte", "Tropical", "da Mata",
    "Imperial", "do Vale", "Santa Clara",
)  # fmt: skip
GIVEN_NAMES: Final = (
    "Ana", "Beatriz", "Bruno", "Camila", "Carlos", "Daniela", "Diego", "Eduardo", "Fernanda",
    "Gabriel", "Gustavo", "Helena", "Isabela", "João", "Juliana", "Larissa", "Leonardo", "Lucas",
    "Luíza", "Marcelo", "Mariana", "Mateus", "Natália", "Paulo", "Patrícia", "Rafael", "Renata",
    "Rodrigo", "Sofia", "Thiago", "Vanessa", "Vinícius",
)  # fmt: skip
FAMILY_NAMES: Final = (
    "Almeida", "Araújo", "Barbosa", "Cardoso", "Carvalho", "Castro", "Costa", "Dias", "Ferreira",
    "Gomes", "Lima", "Lopes", "Martins", "Mendes", "Monteiro", "Nunes", "Oliveira", "Pereira",
    "Pinto", "Ramos", "Ribeiro", "Rocha", "Santana", "Silveira", "Souza", "Teixeira", "Vieira",
)  # fmt: skip
# City, state, area code; the big ones more often.
CITIES: Final = (
    ("São Paulo", "SP", 11), ("São Paulo", "SP", 11), ("São Paulo", "SP", 11),
    ("Campinas", "SP", 19), ("Ribeirão Preto", "SP", 16), ("Santos", "SP", 13),
    ("Rio de Janeiro", "RJ", 21), ("Rio de Janeiro", "RJ", 21), ("Niterói", "RJ", 21),
    ("Belo Horizonte", "MG", 31), ("Uberlândia", "MG", 34), ("Curitiba", "PR", 41),
    ("Londrina", "PR", 43), ("Florianópolis", "SC", 48), ("Balneário Camboriú", "SC", 47),
    ("Porto Alegre", "RS", 51), ("Goiânia", "GO", 62), ("Brasília", "DF", 61),
    ("Salvador", "BA", 71), ("Recife", "PE", 81), ("Fortaleza", "CE", 85), ("Natal", "RN", 84),
    ("Manaus", "AM", 92), ("Cuiabá", "MT", 65), ("Vitória", "ES", 27),
)  # fmt: skip
JOBS: Final = (
    "Diretor", "Diretora financeira", "Sócio", "Sócia", "CEO", "CFO", "Gerente comercial",
    "Gerente de novos negócios", "Coordenadora jurídica", "Analista de crédito",
)  # fmt: skip
TAGS: Final = (
    ("Alto padrão", "#7c3aed"),
    ("Minha Casa Minha Vida", "#16a34a"),
    ("Loteamento", "#65a30d"),
    ("Retrofit", "#ea580c"),
    ("CRI", "#0284c7"),
    ("Permuta", "#0d9488"),
    ("SCP", "#2563eb"),
    ("Fundo imobiliário", "#4f46e5"),
    ("Logística", "#b45309"),
    ("Indicação do conselho", "#be185d"),
    ("Urgente", "#dc2626"),
    ("Carteira antiga", "#64748b"),
)
NOTES: Final = (
    "Pediu tabela de recebíveis atualizada.",
    "Terreno em fase de matrícula.",
    "Vai levar a proposta ao conselho.",
    "Prefere falar depois do dia 10.",
    "Enviado material sobre a estrutura da SCP.",
    "Quer comparar com o financiamento do banco.",
    "Aguardando alvará.",
    "Sócio novo entra na próxima reunião.",
)
REASONS: Final = (
    "Sem garantia suficiente",
    "Fechou com outro parceiro",
    "Projeto suspenso",
    "Fora da região de atuação",
)
MEETINGS: Final = (
    "Apresentação da estrutura",
    "Visita ao terreno",
    "Alinhamento da proposta",
    "Diligência jurídica",
    "Reunião de crédito",
    "Acompanhamento da obra",
)
FILES: Final = (
    ("Matrícula do imóvel.pdf", "application/pdf"),
    ("Estudo de viabilidade.xlsx", "application/vnd.ms-excel"),
    ("Contrato social.pdf", "application/pdf"),
    ("Memorial descritivo.pdf", "application/pdf"),
    ("Tabela de vendas.xlsx", "application/vnd.ms-excel"),
    ("Fachada.jpg", "image/jpeg"),
    ("Ata da reunião", "application/vnd.google-apps.document"),
)
