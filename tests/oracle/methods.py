"""Answers, independently of our code, what tests/it/methods/peers.rs asks on random data: with esda, libpysal,
statsmodels and CAiMIRA.

usage: methods.py < question.json > answer.json
`rates`: cases, people, neighbours, and a value for each place. `p_values`, `rate`. `growth`: series of daily cases.
`rooms`: one infectious person each. `full_rooms`: the same with the distributions of CAiMIRA. Without CAiMIRA its answers
are null and `caimira` says why.
"""

import json
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
import esda  # noqa: E402
import libpysal  # noqa: E402
import statsmodels.api as sm  # noqa: E402
from esda import smoothing  # noqa: E402
from esda.getisord import G_Local  # noqa: E402


def rates(given):
    cases, people = np.array(given["cases"], float), np.array(given["people"], float)
    order = list(range(len(cases)))
    w = libpysal.weights.W(dict(enumerate(given["neighbours"])), id_order=order, silence_warnings=True)
    values = np.array(given["values"], float)
    hot = {}
    for transform in "B", "R":
        for star in False, True:
            found = G_Local(values, w, transform=transform, star=star, permutations=0)
            hot[("Gi*" if star else "Gi") + transform] = found.Zs.tolist()
    return {
        "empirical_bayes": smoothing.Empirical_Bayes(cases, people).r.ravel().tolist(),
        "spatial_empirical_bayes": smoothing.Spatial_Empirical_Bayes(cases, people, w).r.ravel().tolist(),
        "spatial_rate": smoothing.Spatial_Rate(cases, people, w).r.ravel().tolist(),
        "excess_risk": smoothing.Excess_Risk(cases, people).r.ravel().tolist(),
        "hot_spots": hot,
    }


def growth(cases):
    cases = np.array(cases, float)
    days = sm.add_constant(np.arange(len(cases)))
    fit = sm.GLM(cases, days, family=sm.families.Poisson()).fit(tol=1e-14, maxiter=1000)
    dispersion = fit.pearson_chi2 / fit.df_resid
    # Quasi-Poisson where counts scatter more than a Poisson distribution does.
    wide = sm.GLM(cases, days, family=sm.families.Poisson()).fit(
        tol=1e-14, maxiter=1000, scale=max(1.0, dispersion)
    )
    low, high = wide.conf_int()[1]
    return [float(each) for each in (fit.params[1], fit.bse[1], dispersion, low, high)]


def rooms(given):
    from caimira.calculator.models import models
    from caimira.calculator.store.data_registry import DataRegistry

    registry, answers = DataRegistry(), []
    for room in given:
        stays = models.SpecificInterval(tuple(tuple(stay) for stay in room["stays_h"]))
        always = models.SpecificInterval(((0.0, 24.0),))
        activity = models.Activity(inhalation_rate=room["inhaled_m3_per_h"], exhalation_rate=0.5)
        concentration = models.ConcentrationModel(
            data_registry=registry,
            room=models.Room(
                volume=room["volume_m3"],
                inside_temp=models.PiecewiseConstant((0.0, 24.0), (room["temperature_k"],)),
                humidity=room["humidity"],
            ),
            ventilation=models.AirChange(active=always, air_exch=room["air_changes_per_h"]),
            infected=models.EmittingPopulation(
                data_registry=registry,
                known_individual_emission_rate=room["emission_per_h"],
                number=1,
                presence=stays,
                mask=models.Mask.types["No mask"],
                activity=activity,
                virus=models.Virus.types["SARS_CoV_2_ALPHA"],
                host_immunity=0.0,
            ),
            evaporation_factor=0.3,
        )
        exposure = models.ExposureModel(
            data_registry=registry,
            concentration_model=concentration,
            short_range=(),
            exposed=models.Population(
                number=10,
                presence=stays,
                activity=activity,
                mask=models.Mask(η_inhale=room["held_back_in"]),
                host_immunity=0.0,
            ),
            geographical_data=models.Cases(),
        )
        answers.append(
            {
                "concentration": [float(concentration.concentration(at)) for at in room["at_h"]],
                "dose": float(exposure.deposited_exposure()),
                "infected": float(np.mean(exposure.infection_probability())) / 100.0,
            }
        )
    return answers


def full_rooms(given):
    import caimira.calculator.models.monte_carlo as mc
    from caimira.calculator.models import models
    from caimira.calculator.models.monte_carlo import data
    from caimira.calculator.store.data_registry import DataRegistry

    registry, answers = DataRegistry(), []
    viruses, activities = data.virus_distributions(registry), data.activity_distributions(registry)
    for number, room in enumerate(given):
        np.random.seed(number)
        stays = mc.SpecificInterval(present_times=tuple(tuple(stay) for stay in room["stays_h"]))
        mask = models.Mask.types["No mask"]
        concentration = mc.ConcentrationModel(
            data_registry=registry,
            room=models.Room(
                volume=room["volume_m3"],
                inside_temp=models.PiecewiseConstant((0.0, 24.0), (room["temperature_k"],)),
                humidity=room["humidity"],
            ),
            ventilation=models.AirChange(
                active=models.PeriodicInterval(period=120, duration=120), air_exch=room["air_changes_per_h"]
            ),
            infected=mc.InfectedPopulation(
                data_registry=registry,
                number=1,
                presence=stays,
                virus=viruses["SARS_CoV_2_" + room["variant"]],
                mask=mask,
                activity=activities["Seated"],
                expiration=data.expiration_distributions(registry)[room["expiration"]],
                host_immunity=0.0,
            ),
            evaporation_factor=0.3,
        )
        model = mc.ExposureModel(
            data_registry=registry,
            concentration_model=concentration,
            short_range=(),
            exposed=mc.Population(
                number=10, presence=stays, activity=activities["Seated"], mask=mask, host_immunity=0.0
            ),
            geographical_data=models.Cases(),
        ).build_model(size=200_000)
        answers.append(
            {
                "infected": float(model.infection_probability().mean()) / 100.0,
                "dose": float(model.deposited_exposure().mean()),
                "emission_per_h": float(
                    model.concentration_model.infected.emission_rate_per_person_when_present().mean()
                ),
            }
        )
    return answers


question = json.load(sys.stdin)
answer = {
    "rates": [rates(given) for given in question["rates"]],
    "false_discovery": [float(esda.fdr(np.array(each["p_values"]), each["rate"])) for each in question["tests"]],
    "growth": [growth(each) for each in question["growth"]],
    "rooms": None,
    "full_rooms": None,
    "versions": f"esda {esda.__version__}, libpysal {libpysal.__version__}",
}
try:
    import caimira  # noqa: F401
except ImportError as error:
    answer["caimira"] = str(error)
else:
    answer["caimira"] = None
    answer["rooms"] = rooms(question["rooms"])
    answer["full_rooms"] = full_rooms(question["full_rooms"])
json.dump(answer, sys.stdout)
